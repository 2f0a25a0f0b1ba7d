#include "infer/words.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define WORDS_MAX 24

void lk_name_squeeze(char out[LK_SQUEEZED], const char *name)
{
	size_t n = 0;

	for (; *name && n + 1 < LK_SQUEEZED; name++)
		if (isalnum((unsigned char)*name) || (unsigned char)*name > 0x7f)
			out[n++] = (char)tolower((unsigned char)*name);
	out[n] = '\0';
}

static bool is_one_of(const char *word, const char *const *list)
{
	while (*list && strcmp(*list, word))
		list++;
	return *list;
}

static bool holds_one_of(const char *word, const char *const *list)
{
	while (*list && !strstr(word, *list))
		list++;
	return *list;
}

static bool ends_in(const char *word, const char *end)
{
	size_t len = strlen(word), n = strlen(end);

	return len >= n && !strcmp(word + len - n, end);
}

static bool ends_in_one_of(const char *word, const char *const *list)
{
	while (*list && !ends_in(word, *list))
		list++;
	return *list;
}

/* ---- privacy ---- */

/* What stands before "name" when it is that of a person. */
static const char *const persons[] = {"", "first", "last", "middle", "given", "family", "full", "sur", "fore", "nick", "maiden",
	"mothersmaiden", "mothers", "mother", "fathers", "father", "spouse", "guarantor", "subscriber", "insured", "patient", "pat",
	"pt", "person", "member", "owner", "contact", "legal", "preferred", "birth", "physician", "doctor", "provider", "attending",
	"referring", "surgeon", "nurse", "caregiver", "customer", "client", "employee", "beneficiary", "user", "f", "l", "m",
	"patientfirst", "patientlast", "patientmiddle", "memberfirst", "memberlast", "providerfirst", "providerlast", NULL};
static const char *const name_words[] = {"first", "last", "middle", "maiden", "surname", "forename", "nextofkin", "prefix",
	"suffix", "initials", "firstnm", "lastnm", "patientnm", "ptnm", NULL};
/* Behind what they are of: patient_mrn, patient.name.family. */
static const char *const name_ends[] = {"namefamily", "namegiven", "namefirst", "namelast", "namemiddle", NULL};
static const char *const id_ends[] = {"mrn", "ssn", NULL};
static const char *const date_ends[] = {"dob", NULL};
static const char *const address_parts[] = {"address", "street", "birthplace", "placeofbirth", NULL};
static const char *const address_words[] = {"addr", "addr1", "addr2", "addrline1", "addrline2", "city", "town", "citytown", "zip",
	"zipcode", "zip4", "zip5", "postal", "postalcode", "postcode", "county", "countyname", "countyparish", "lat", "lon", "lng",
	"latitude", "longitude", "geocode", "location", NULL};
static const char *const date_parts[] = {"birthdate", "dateofbirth", "birthdt", "birthday", "birthtime", "deathdate",
	"dateofdeath", "deathdt", "deathtime", "deceaseddate", "brthdt", "dthdt", NULL};
static const char *const date_words[] = {"dob", "dod", "birth", "death", "bdate", "patientdob", "ptdob", "memberdob", NULL};
static const char *const phone_parts[] = {"phone", "telephone", "mobile", NULL};
static const char *const phone_words[] = {"tel", "fax", "faxnumber", "faxno", "cell", "pager", NULL};
static const char *const id_parts[] = {"ssn", "socialsecurity", "medicalrecord", "passport", "driverslicense", "driverlicense",
	"patientid", "memberid", "subscriberid", "beneficiaryid", "accountnumber", "accountno", "acctno", "acctnum", "policynumber",
	"healthplan", "usubjid", "subjid", "subjectid", "personid", "insuranceid", "medicareid", "medicaidid", NULL};
static const char *const id_words[] = {"mrn", "patient", "patientno", "patientnumber", "ptid", "drivers", "license", "mbi", "hicn",
	"hic", "caseid", "primaryid", NULL};

static bool is_person_name(const char *word)
{
	char before[LK_SQUEEZED];

	if (!ends_in(word, "name"))
		return is_one_of(word, name_words);
	memcpy(before, word, strlen(word) + 1);
	before[strlen(word) - 4] = '\0';
	return is_one_of(before, persons);
}

const char *lk_name_privacy(const char *name)
{
	char word[LK_SQUEEZED];

	lk_name_squeeze(word, name);
	if (strstr(word, "email"))
		return "email";
	if (holds_one_of(word, phone_parts) || is_one_of(word, phone_words))
		return "phone";
	if (holds_one_of(word, date_parts) || is_one_of(word, date_words) || ends_in_one_of(word, date_ends))
		return "date";
	if (holds_one_of(word, id_parts) || is_one_of(word, id_words) || ends_in_one_of(word, id_ends))
		return "id";
	if (holds_one_of(word, address_parts) || is_one_of(word, address_words))
		return "address";
	return is_person_name(word) || ends_in_one_of(word, name_ends) ? "name" : NULL;
}

/* ---- kinds ---- */

bool lk_name_is_id(const char *name)
{
	static const char *const ends[] = {"id", "key", "code", "number", "no", "num", "seq", "uid", "guid", "identifier", "mrn", "npi",
		"ndc", "isr", "nbr", NULL};
	char word[LK_SQUEEZED];

	lk_name_squeeze(word, name);
	return ends_in_one_of(word, ends);
}

bool lk_name_is_date(const char *name)
{
	static const char *const parts[] = {"date", "time", "datum", "day", NULL};
	static const char *const ends[] = {"dt", "dtc", "dtm", "ts", "on", "at", "dob", "dod", "start", "stop", "end", NULL};
	char word[LK_SQUEEZED];

	lk_name_squeeze(word, name);
	return holds_one_of(word, parts) || ends_in_one_of(word, ends);
}

bool lk_name_is_code(const char *name)
{
	static const char *const parts[] = {"code", "zip", "postal", "phone", "fax", "ssn", "npi", "ndc", "icd", "snomed", "loinc",
		"rxnorm", "cpt", "hcpcs", "drg", "mrn", "fips", "account", "accession", "serial", NULL};
	static const char *const ends[] = {"cd", "tel", "no", "acct", "license", "taxonomy", NULL};
	char word[LK_SQUEEZED];

	lk_name_squeeze(word, name);
	return holds_one_of(word, parts) || ends_in_one_of(word, ends);
}

/* ---- likeness ---- */

struct words {
	const char *start[WORDS_MAX];
	size_t len[WORDS_MAX];
	int count;
};

static void split_words(struct words *w, const char *name)
{
	w->count = 0;
	while (*name && w->count < WORDS_MAX) {
		size_t n = 0;

		while (isalnum((unsigned char)name[n]) || (unsigned char)name[n] > 0x7f)
			n++;
		if (n) {
			w->start[w->count] = name;
			w->len[w->count++] = n;
			name += n;
		} else {
			name++;
		}
	}
}

/* One word is the end of the other, too: phone, telephone. */
static bool words_alike(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len > b_len)
		return words_alike(b, b_len, a, a_len);
	return a_len >= 4 || a_len == b_len ? !strncasecmp(a, b + b_len - a_len, a_len) : false;
}

double lk_names_alike(const char *a, const char *b)
{
	struct words of_a, of_b;
	int alike = 0;

	split_words(&of_a, a);
	split_words(&of_b, b);
	if (!of_a.count || !of_b.count)
		return 0;
	for (int i = 0; i < of_a.count; i++)
		for (int j = 0; j < of_b.count; j++)
			if (words_alike(of_a.start[i], of_a.len[i], of_b.start[j], of_b.len[j])) {
				alike++;
				break;
			}
	return (double)alike / (of_a.count < of_b.count ? of_a.count : of_b.count);
}
