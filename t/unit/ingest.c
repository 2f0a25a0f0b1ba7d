/* lib/ingest without its workers: finding, cutting into shares, moving, judging. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "ingest/find.h"
#include "ingest/move.h"
#include "ingest/share.h"
#include "ingest/stagedir.h"
#include "ingest/summary.h"
#include "ingest/worker.h"
#include "tap.h"

static char dir[] = "/tmp/lk-ingest-XXXXXX";

static void make_file(const char *path, const char *text, int64_t age_s)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	struct lk_error err;

	if (lk_file_create(path, 0644, text, strlen(text), &err))
		printf("Bail out! %s\n", err.message), exit(1);
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec -= age_s;
	utimensat(AT_FDCWD, path, times, 0);
}

static void make_dirs(const char *path)
{
	struct lk_error err;

	if (lk_mkdirs(path, 0777, &err))
		printf("Bail out! %s\n", err.message), exit(1);
}

static bool has_text(const char *path, const char *text)
{
	struct lk_str s = LK_STR_INIT;
	bool same = lk_file_read(path, 1000, &s, NULL) == LK_OK && !strcmp(lk_str_text(&s), text);

	lk_str_release(&s);
	return same;
}

/* ---- find ---- */

static int warnings;

static void count_warning(const char *message, void *user)
{
	(void)message;
	(void)user;
	warnings++;
}

static void list_of(const struct lk_found *found, struct lk_str *out)
{
	lk_str_clear(out);
	for (size_t i = 0; i < found->count; i++)
		lk_str_addf(out, "%s%s", i ? " " : "", found->items[i].path);
}

static void test_find(void)
{
	const char *ignore[] = {"*.part", ".*", "b/old/*"}, *exclude[] = {"lake", "absent", NULL};
	struct lk_find_options o = {.ignore = ignore,
		.ignore_count = 3,
		.exclude = exclude,
		.exclude_count = 3,
		.warn = count_warning};
	const char *both[] = {"land", "land/new.zip"}, *dots[] = {".//"}, *absent[] = {"land", "nowhere"};
	const char *link_path[] = {"link"}, *empty[] = {""};
	struct lk_str list = LK_STR_INIT;
	struct lk_error err;
	struct lk_found f;
	struct timespec now;

	make_dirs("land/b/old");
	make_dirs("land/.hidden");
	make_dirs("lake/main");
	make_file("land/z.zip", "z", 100);
	make_file("land/a.zip", "aa", 100);
	make_file("land/b/c.csv", "c", 100);
	make_file("land/b/old/d.csv", "d", 100);
	make_file("land/half.part", "h", 100);
	make_file("land/.hidden/e.zip", "e", 100);
	make_file("land/new.zip", "n", 0);
	make_file("lake/main/x.parquet", "x", 100);
	ok(symlink("a.zip", "land/s.zip") == 0 && symlink("land", "link") == 0 &&
			symlink("nowhere", "land/dangling") == 0,
		"links to look at");
	clock_gettime(CLOCK_REALTIME, &now);
	o.now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	o.settle_us = 10000000;

	ok(lk_find(&f, both, 2, &o, &err) == LK_OK, "a folder and a file are walked");
	list_of(&f, &list);
	is_text(list.data, "land/a.zip land/b/c.csv land/z.zip land/new.zip",
		"names in order; ignored ones, links and what has not settled left; a named file taken at once");
	is_int(f.settling, 1, "one is settling");
	is_int(f.ignored, 3, "three are ignored by name: a folder, a file, a path");
	is_text(f.items[1].relative, "b/c.csv", "the part below the root");
	is_text(f.items[3].relative, "new.zip", "which of a named file is its name");
	is_int(f.items[0].size, 2, "size");
	ok(lk_landed_absolute(&f.items[1], &list, &err) == LK_OK && *list.data == '/' &&
			strstr(list.data, "/land/b/c.csv"),
		"the absolute path");
	ok(!lk_landed_changed(&f.items[0]), "a file is as it was found");
	make_file("land/a.zip.new", "aaa", 50);
	ok(rename("land/a.zip.new", "land/a.zip") == 0, "a file is replaced");
	ok(lk_landed_changed(&f.items[0]) && !lk_landed_changed(&f.items[1]), "which is seen");
	strcpy(f.items[0].sha256, "abc");
	f.items[0].fate = LK_FATE_STAGED;
	lk_landed_again(&f.items[0]);
	ok(!*f.items[0].sha256 && f.items[0].fate == LK_FATE_WAITING,
		"and looked at anew");
	lk_found_release(&f);

	ok(lk_find(&f, dots, 1, &o, &err) == LK_OK, "a folder called . is not ignored");
	list_of(&f, &list);
	is_text(list.data, "./land/a.zip ./land/b/c.csv ./land/b/old/d.csv ./land/z.zip",
		"the lake below it is left out, and paths to ignore begin there");
	is_text(f.items[0].relative, "land/a.zip", "relative to .");
	ok(lk_landed_absolute(&f.items[0], &list, &err) == LK_OK && !strstr(list.data, "/./"),
		"without dots");
	lk_found_release(&f);

	ok(lk_find(&f, link_path, 1, &o, &err) == LK_OK, "a link that is named is followed");
	list_of(&f, &list);
	is_text(list.data, "link/a.zip link/b/c.csv link/z.zip",
		"and its files keep the name that was given");
	ok(lk_landed_absolute(&f.items[0], &list, &err) == LK_OK && strstr(list.data, "/land/a.zip"),
		"but have one absolute path");
	lk_found_release(&f);

	make_file("land/ahead.zip", "f", -100000);
	o.settle_us = 0;
	o.now_us += 1000000;
	ok(lk_find(&f, link_path, 1, &o, &err) == LK_OK && f.count == 5 && !f.settling,
		"a time of change that is yet to come keeps no file waiting for ever");
	lk_found_release(&f);

	ok(lk_find(&f, absent, 2, &o, &err) == LK_NOINPUT && strstr(err.message, "'nowhere'"),
		"a path that is not there");
	ok(lk_find(&f, empty, 1, &o, &err) == LK_USAGE, "an empty path");
	lk_str_release(&list);
}

/* ---- shares ---- */

static void test_shares(void)
{
	const int64_t mib = 1 << 20;
	struct lk_share *s = calloc(1, sizeof(*s)), *half;
	struct lk_error err;
	bool good = true;

	is_int(lk_share_target(100 * mib, 4), 25 * mib, "as many shares as workers");
	is_int(lk_share_target(4 * LK_SHARE_MAX_WEIGHT, 4), LK_SHARE_MAX_WEIGHT, "up to the largest share");
	is_int(lk_share_target(5 * LK_SHARE_MAX_WEIGHT, 4), 5 * LK_SHARE_MAX_WEIGHT / 8,
		"then twice as many");
	is_int(lk_share_target(LK_SHARE_MIN_WEIGHT, 8), LK_SHARE_MIN_WEIGHT, "little work is one share");
	is_int(lk_share_target(3 * LK_SHARE_MIN_WEIGHT, 8), LK_SHARE_MIN_WEIGHT, "a bit more is some");
	is_int(lk_share_target(0, 3), 1, "no work");
	ok(!lk_share_is_full(s, 100, 1000), "an empty share takes anything");
	for (uint32_t i = 0; i < 5; i++)
		good &= lk_share_add(s, i, 20, &err) == LK_OK;
	ok(good && s->count == 5 && s->weight == 100, "five deliveries");
	ok(lk_share_is_full(s, 100, 1), "full at the target");
	ok(!lk_share_is_full(s, 120, 20), "not below it");
	ok(!lk_share_is_full(s, 110, 15), "and takes one more when that is nearer");
	ok(lk_share_is_full(s, 110, 50), "but not when that is farther");
	s->retried = true;
	ok(lk_share_halve(s, &err) == LK_OK, "halved");
	half = s->next;
	ok(s->count == 2 && half->count == 3 && half->items[0] == 2 && half->items[2] == 4 && half->retried,
		"no delivery is lost or doubled");
	lk_share_free(half);
	lk_share_free(s);
}

/* ---- moving ---- */

static void test_move(void)
{
	struct lk_error err;
	struct stat st;

	make_file("land/m.zip", "first", 1000);
	ok(lk_move_away("land/m.zip", "done", "deep/er/m.zip", &err) == LK_OK &&
			has_text("done/deep/er/m.zip", "first") && access("land/m.zip", F_OK) < 0,
		"moved, with its folders made");
	ok(stat("done/deep/er/m.zip", &st) == 0 && st.st_mtime < time(NULL) - 900, "its time is kept");
	make_file("land/m.zip", "second", 0);
	make_file("land/m2.zip", "third", 0);
	ok(lk_move_away("land/m.zip", "done", "deep/er/m.zip", &err) == LK_OK &&
			has_text("done/deep/er/m.zip", "first") && has_text("done/deep/er/m.zip.1", "second"),
		"nothing is replaced");
	ok(lk_move_away("land/m2.zip", "done", "deep/er/m.zip", &err) == LK_OK &&
			has_text("done/deep/er/m.zip.2", "third"),
		"however often");
	ok(lk_move_away("land/m.zip", "done", "m.zip", &err) == LK_OK, "a file that is gone is fine");
	make_file("land/m3.zip", "x", 0);
	ok(lk_move_away("land/m3.zip", "done/deep/er/m.zip", "m3.zip", &err) == LK_CANTCREATE &&
			has_text("land/m3.zip", "x"),
		"a file where the folder should be is told, and nothing lost");
	ok(lk_remove_tree("done", &err) == LK_OK && access("done", F_OK) < 0, "a tree is removed");
	ok(lk_remove_tree("done", &err) == LK_OK, "one that is not there is fine");
	/* Another file system, where there is one. */
	if (stat("/dev/shm", &st) == 0 && S_ISDIR(st.st_mode)) {
		char other[] = "/dev/shm/lk-ingest-XXXXXX", path[64];

		if (!mkdtemp(other))
			return;
		make_file("land/m4.zip", "far", 1000);
		snprintf(path, sizeof(path), "%s/m4.zip", other);
		make_file(path, "there before", 0);
		snprintf(path, sizeof(path), "%s/m4.zip.1", other);
		ok(lk_move_away("land/m4.zip", other, "m4.zip", &err) == LK_OK && has_text(path, "far") &&
				access("land/m4.zip", F_OK) < 0,
			"moved across file systems, replacing nothing");
		ok(stat(path, &st) == 0 && st.st_mtime < time(NULL) - 900, "with its time");
		ok(lk_remove_tree(other, &err) == LK_OK, "and no copy left behind");
	}
}

/* ---- workers ---- */

static enum lk_worker_fate run_worker(const char *const scripts[3], const char *input, struct lk_str *out,
	struct lk_str *reason, enum lk_status *as)
{
	static const char *const names[] = {"lk-unpack", "lk-parse", "lk-commit"};
	const char *argv[3][4];
	struct lk_command commands[3];
	struct lk_worker w;
	struct lk_error err;
	enum lk_worker_fate fate;
	int in;

	lk_str_clear(out);
	lk_str_clear(reason);
	for (int i = 0; i < 3; i++) {
		argv[i][0] = "sh";
		argv[i][1] = "-c";
		argv[i][2] = scripts[i];
		argv[i][3] = NULL;
		commands[i] = (struct lk_command){names[i], "/bin/sh", argv[i]};
	}
	if (lk_memory_file("in", &in, &err) || lk_write(in, "in", input, strlen(input), &err) ||
		lk_worker_start(&w, commands, 3, in, &err))
		printf("Bail out! %s\n", err.message), exit(1);
	while (!lk_worker_reap(&w))
		usleep(1000);
	fate = lk_worker_fate(&w, reason, as);
	if (lk_memory_text(w.out, out, &err))
		printf("Bail out! %s\n", err.message), exit(1);
	lk_worker_end(&w);
	close(in);
	return fate;
}

static void test_workers(void)
{
	struct lk_str out = LK_STR_INIT, reason = LK_STR_INIT;
	enum lk_status as = LK_OK;

	is_int(run_worker((const char *[]){"cat; echo u", "cat; echo p; exit 1", "cat; echo c >&2; exit 1"},
		       "in\n", &out, &reason, &as),
		LK_WORKER_DONE, "0 and 1 are good");
	is_text(lk_str_text(&out), "in\nu\np\n", "the pipe goes through all of them");
	is_int(run_worker((const char *[]){"cat", "kill -SEGV $$", "cat >/dev/null; exit 65"}, "in\n", &out,
		       &reason, &as),
		LK_WORKER_DIED, "a signal in the middle");
	is_text(reason.data, "lk-parse was killed by signal 11 (Segmentation fault)",
		"is told, not what followed from it");
	is_int(run_worker((const char *[]){"cat",
				  "cat; echo 'lk-parse: noise' >&2; echo 'lk-parse: a bug' >&2; exit 70",
				  "cat >/dev/null; echo 'lk-commit: broken' >&2; exit 65"},
		       "", &out, &reason, &as),
		LK_WORKER_DIED, "a bug");
	is_text(reason.data, "lk-parse exited with status 70: a bug", "is told with the last words");
	is_int(run_worker((const char *[]){"while echo; do :; done", "exec cat",
				  "echo 'lk-commit: no space' >&2; exit 74"},
		       "", &out, &reason, &as),
		LK_WORKER_HELPLESS, "a writer that cannot write");
	is_text(reason.data, "lk-commit exited with status 74: no space",
		"is told, not the broken pipes before it");
	is_int(as, LK_IO, "with its status");
	is_int(run_worker((const char *[]){"exit 74", "cat >/dev/null; exit 65", "cat; exit 65"}, "", &out,
		       &reason, &as),
		LK_WORKER_REFUSED, "a delivery that could not be read");
	is_int(run_worker(
		       (const char *[]){"cat", "exit 78", "cat >/dev/null; exit 65"}, "", &out, &reason, &as),
		LK_WORKER_HELPLESS, "a wrong configuration");
	is_int(as, LK_CONFIG, "with its status");
	is_int(run_worker((const char *[]){"cat; kill -KILL $$", "cat", "cat >/dev/null"}, "x", &out, &reason,
		       &as),
		LK_WORKER_DONE, "what lk-commit says is what happened");
	lk_str_release(&out);
	lk_str_release(&reason);
}

/* ---- staging folders ---- */

static void test_stagedirs(void)
{
	struct lk_stagedir one, two;
	struct lk_error err;
	char path[256];

	make_dirs("somelake/.stage-dead/0");
	make_file("somelake/.stage-dead/0/x.json", "{}", 0);
	ok(lk_stagedir_make(&one, "somelake", &err) == LK_OK && access(one.path, W_OK) == 0, "a folder for staging");
	ok(access("somelake/.stage-dead", F_OK) < 0, "what a killed run left is removed");
	ok(lk_stagedir_make(&two, "somelake", &err) == LK_OK && strcmp(one.path, two.path), "another one");
	ok(access(one.path, F_OK) == 0, "the first run still has its own");
	snprintf(path, sizeof(path), "%s", one.path);
	ok(lk_stagedir_remove(&one, &err) == LK_OK && access(path, F_OK) < 0 && !one.path, "removed");
	ok(lk_stagedir_remove(&one, &err) == LK_OK, "twice is fine");
	ok(lk_stagedir_remove(&two, &err) == LK_OK, "the other one too");
	ok(lk_stagedir_make(&one, "land/a.zip", &err) != LK_OK && lk_stagedir_remove(&one, &err) != LK_BUG,
		"where none can be made it is an error");
}

/* ---- what lk-commit says ---- */

static void count_call(void *context, const char *sender, const char *sha256)
{
	lk_str_addf(context, "%s/%s ", sender, sha256);
}

static void test_tally(void)
{
	static const char *const answers[] = {
		"{\"tables\":[{\"table\":\"main.b\",\"rows\":2,\"files\":1,\"bytes\":10},"
		"{\"table\":\"lk.files\",\"rows\":3,\"files\":1,\"bytes\":10},"
		"{\"table\":\"quarantine.rejects\",\"rows\":9,\"files\":1,\"bytes\":10}],"
		"\"committed\":[{\"delivery\":\"x\",\"sender\":\"S\",\"sha256\":\"1\"}],\"again\":[],"
		"\"members\":{\"ok\":2,\"unmatched\":1},\"rejects\":{\"b\":{\"c\":4,\"\":1}}}",
		"{\"tables\":[{\"table\":\"main.a\",\"rows\":1,\"files\":1,\"bytes\":1},"
		"{\"table\":\"main.b\",\"rows\":5,\"files\":2,\"bytes\":20}],"
		"\"committed\":[],\"again\":[{\"delivery\":\"y\",\"sender\":\"\",\"sha256\":\"2\"}],"
		"\"members\":{\"ok\":1},\"rejects\":{\"b\":{\"c\":1},\"a\":{\"z\":1}}}"};
	static const char *const wrong[] = {"", "{", "[]", "{}", "{\"tables\":{}}", "{\"tables\":[{\"table\":1}]}",
		"{\"tables\":[],\"members\":[]}", "{\"tables\":[],\"members\":{},\"rejects\":0}",
		"{\"tables\":[],\"members\":{},\"rejects\":{},\"committed\":[1]}"};
	struct lk_tally t = {.arena = LK_ARENA_INIT};
	struct lk_str committed = LK_STR_INIT, again = LK_STR_INIT;
	struct lk_error err;
	int refused = 0;

	ok(lk_tally_add(&t, answers[0], count_call, NULL, &committed, &err) == LK_OK, "an answer");
	ok(lk_tally_add(&t, answers[1], NULL, count_call, &again, &err) == LK_OK, "and another");
	ok(t.table_count == 2 && !strcmp(t.tables[0].name, "main.a") && t.tables[1].rows == 7 && t.tables[1].files == 3 &&
			t.tables[1].bytes == 30, "tables of data add up, in the order of names");
	ok(t.rows == 8 && t.members == 4 && t.unmatched == 1 && t.rejected == 7, "and so do the counts");
	ok(t.reason_count == 3 && !strcmp(t.reasons[0].table, "a") && !strcmp(t.reasons[2].field, "c") &&
			t.reasons[2].records == 5, "rejects by table and column");
	is_text(lk_str_text(&committed), "S/1 ", "what was committed");
	is_text(lk_str_text(&again), "/2 ", "what is to be done again");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		refused += lk_tally_add(&t, wrong[i], count_call, count_call, &again, &err) == LK_BUG;
	is_int(refused, sizeof(wrong) / sizeof(*wrong), "what is no such answer is told");
	lk_tally_release(&t);
	lk_str_release(&committed);
	lk_str_release(&again);
}

/* ---- judging ---- */

static void test_judge(void)
{
	struct lk_ingest_result r = {.tally = {.rows = 990, .came = 990, .rejected = 10}};
	struct lk_allowance none = {.percent = -1}, nine = {9, -1}, ten = {10, -1},
			    one_percent = {.percent = 1}, less = {.percent = 0.9};
	struct lk_str s = LK_STR_INIT;
	struct lk_error err;

	ok(lk_summary_judge(&r, &none, &err) == LK_WANTING, "rejects are wanting");
	is_text(err.message, "10 records were rejected", "and why is told");
	ok(lk_summary_judge(&r, &nine, &err) == LK_WANTING && lk_summary_judge(&r, &ten, &err) == LK_OK,
		"a number allowed");
	ok(lk_summary_judge(&r, &less, &err) == LK_WANTING &&
			lk_summary_judge(&r, &one_percent, &err) == LK_OK,
		"a percentage allowed");
	r.fates[LK_FATE_HELD] = 1;
	r.fates[LK_FATE_PASSED] = 1;
	r.fates[LK_FATE_CRASHED] = 1;
	ok(lk_summary_judge(&r, &ten, &err) == LK_WANTING, "what is held is not a matter of rejects");
	is_text(err.message, "2 deliveries are held; 1 delivery crashed a worker", "all of it is told");
	r = (struct lk_ingest_result){
		.fates = {[LK_FATE_KNOWN] = 5, [LK_FATE_REPEAT] = 1, [LK_FATE_GONE] = 1}};
	ok(lk_summary_judge(&r, &none, &err) == LK_OK, "known, repeated and vanished deliveries are fine");
	lk_bytes_text(999, &s), lk_str_addc(&s, ' '), lk_bytes_text(1500, &s), lk_str_addc(&s, ' ');
	lk_bytes_text(123456789, &s), lk_str_addc(&s, ' '), lk_bytes_text(INT64_MAX, &s);
	is_text(s.data, "999 B 1.5 kB 123 MB 9223372 TB", "bytes as people read them");
	lk_str_release(&s);
}

int main(void)
{
	struct lk_error err;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	test_find();
	test_shares();
	test_move();
	test_workers();
	test_stagedirs();
	test_tally();
	test_judge();
	ok(chdir("/") == 0 && lk_remove_tree(dir, &err) == LK_OK, "nothing is left behind");
	return done();
}
