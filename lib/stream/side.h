/*
 * The side tables: what travels beside the data so that nothing is lost on the way (lk-stream(5)).
 *
 * Their columns are one list each, here, so that the tools that write them and those that read them agree. Readers find
 * columns by name (lk_schema_find), never by position.
 */
#ifndef LK_STREAM_SIDE_H
#define LK_STREAM_SIDE_H

#include "stream/schema.h"

/*
 * lk.members: what lk-unpack emits, a row for each piece of a member, pieces of one member in order and together.
 *
 *	delivery     path of the file that landed, as it was given
 *	sha256	     of the delivery, hexadecimal
 *	size	     of the delivery in bytes
 *	modified     time of last change of the delivery
 *	sender	     who sent it, as the sources' `lk.delivery` tells; empty when they do not say
 *	member	     path inside: `inner.zip!c.csv` for nested ones; for a plain file its own base name
 *	index	     number of the member in the delivery, from 0
 *	member_size  bytes of the member's content when known, else null
 *	member_modified   null when the archive does not say
 *	offset	     of this piece in the member
 *	last	     whether this is the member's last piece
 *	content	     the bytes; null when there are none to hand on (status is not ok)
 *	status	     ok, skipped (not data: a directory, a symlink, ...), failed
 *	error	     why, when not ok
 *	passphrase   label of the passphrase that fitted; null when none was needed
 */
extern const struct lk_field lk_members_fields[];
enum lk_members_column {
	LK_MEMBERS_DELIVERY, LK_MEMBERS_SHA256, LK_MEMBERS_SIZE, LK_MEMBERS_MODIFIED, LK_MEMBERS_SENDER,
	LK_MEMBERS_MEMBER, LK_MEMBERS_INDEX, LK_MEMBERS_MEMBER_SIZE, LK_MEMBERS_MEMBER_MODIFIED, LK_MEMBERS_OFFSET,
	LK_MEMBERS_LAST, LK_MEMBERS_CONTENT, LK_MEMBERS_STATUS, LK_MEMBERS_ERROR, LK_MEMBERS_PASSPHRASE,
	LK_MEMBERS_COLUMNS
};

/*
 * lk.files: a row for each member handled and each resource that it fed; a member that fed none has one row with a
 * null table. A delivery of which nothing could be opened has one row with an empty member.
 *
 *	delivery, sha256, size, modified, sender, member, member_size, member_modified, passphrase   as above
 *	table	     where its rows went; null when none
 *	package, package_sha256   name and hash of the data package used; null when none matched, but for a member that is
 *		     unmatched package_sha256 is the hash of all sources
 *	rows_in, rows, rejected   records read, rows out, records rejected: rows_in = rows + rejected
 *	status	     ok, skipped, failed, unmatched (no resource takes it), crashed (the delivery ended its worker)
 *	error	     why, when not ok
 *	warning	     what is to be told of a member that was read all the same; null when there is nothing
 *	started, finished   when lk-parse worked on it
 */
extern const struct lk_field lk_files_fields[];
enum lk_files_column {
	LK_FILES_DELIVERY, LK_FILES_SHA256, LK_FILES_SIZE, LK_FILES_MODIFIED, LK_FILES_SENDER, LK_FILES_MEMBER,
	LK_FILES_MEMBER_SIZE, LK_FILES_MEMBER_MODIFIED, LK_FILES_PASSPHRASE, LK_FILES_TABLE, LK_FILES_PACKAGE,
	LK_FILES_PACKAGE_SHA256, LK_FILES_ROWS_IN, LK_FILES_ROWS, LK_FILES_REJECTED, LK_FILES_STATUS, LK_FILES_ERROR,
	LK_FILES_WARNING, LK_FILES_STARTED, LK_FILES_FINISHED,
	LK_FILES_COLUMNS
};

/*
 * lk.rejects: a row for each record that could not become a row.
 *
 *	delivery, sha256, sender, member, member_modified, table   where it came from and where it should have gone
 *	resource     `PACKAGE/RESOURCE`, by which it was read
 *	record	     number of the record in the member, from 1
 *	line	     physical line where it begins, from 1; null where lines mean nothing
 *	field	     the column at fault; null when it is the whole record
 *	reason	     what is wrong, in words that are the same for all such records
 *	value	     the value at fault, 64 bytes of it at most; null where the column is private, or no single value is at fault
 *	raw	     the record's bytes as text, as lk_path_text writes them: at most 1 MiB of them; null where there are none
 *	raw_size     how many bytes it has in all
 *	modified     time of last change of the delivery
 *	context	     what stands before the record in its member, as text too, and makes it read as it was: a header; null for none
 *
 * raw and context are quarantined by lk-commit, never in the lake's lk.rejects.
 */
extern const struct lk_field lk_rejects_fields[];
enum lk_rejects_column {
	LK_REJECTS_DELIVERY, LK_REJECTS_SHA256, LK_REJECTS_SENDER, LK_REJECTS_MEMBER, LK_REJECTS_TABLE,
	LK_REJECTS_RECORD, LK_REJECTS_LINE, LK_REJECTS_FIELD, LK_REJECTS_REASON, LK_REJECTS_VALUE, LK_REJECTS_RAW,
	LK_REJECTS_RAW_SIZE, LK_REJECTS_CONTEXT, LK_REJECTS_RESOURCE, LK_REJECTS_MEMBER_MODIFIED, LK_REJECTS_MODIFIED,
	LK_REJECTS_COLUMNS
};

/*
 * lk.replayed: a row for each reject that was read again (lk-parse --replay), for lk-commit to take out of the lake.
 *
 *	sha256, sender, member, table, resource, record   which one it is, as lk.rejects has them
 *	landed	     whether a row came of it; else it is a reject again, and a new row of lk.rejects
 */
extern const struct lk_field lk_replayed_fields[];
enum lk_replayed_column {
	LK_REPLAYED_SHA256, LK_REPLAYED_SENDER, LK_REPLAYED_MEMBER, LK_REPLAYED_TABLE, LK_REPLAYED_RESOURCE,
	LK_REPLAYED_RECORD, LK_REPLAYED_LANDED,
	LK_REPLAYED_COLUMNS
};

/*
 * lk.versions: a row for each fact of a table that its rows cannot say (lk-upsert(1)).
 *
 *	table, table_uuid   of which; the uuid is null for a table that the lake does not have yet
 *	fact	     deleted (the key, at this version), confirmed (a version came that is what the row is), complete (a list of all rows
 *		     within a value of the scope)
 *	key, version   encoded (change/cells.h, change/version.h); of `complete` the values of the scope, and which list it is
 *	lk_sent, lk_file, lk_row   of the row that it came from, as the table's rows have them; null where there is none
 */
extern const struct lk_field lk_versions_fields[];
enum lk_versions_column {
	LK_VERSIONS_TABLE, LK_VERSIONS_UUID, LK_VERSIONS_FACT, LK_VERSIONS_KEY, LK_VERSIONS_VERSION, LK_VERSIONS_SENT,
	LK_VERSIONS_FILE, LK_VERSIONS_ROW,
	LK_VERSIONS_COLUMNS
};

/* lk.end: a row for each table of the segment: table, streams, rows, read, dropped, reason. */
extern const struct lk_field lk_end_fields[];
enum lk_end_column {
	LK_END_TABLE, LK_END_STREAMS, LK_END_ROWS, LK_END_READ, LK_END_DROPPED, LK_END_REASON,
	LK_END_COLUMNS
};

/* Columns that lk adds to a table's own. */
#define LK_COLUMN_OP "lk_op"	 /* of a change stream: I, U, D, or B, what was before the U or D behind it */
#define LK_COLUMN_SENT "lk_sent" /* when the row's delivery was sent: timestamptz */
#define LK_COLUMN_FILE "lk_file" /* which file it came from: DELIVERY@12 DIGITS OF ITS SHA-256!MEMBER */
#define LK_COLUMN_ROW "lk_row"	 /* the number of its record there, from 1 */
#define LK_COLUMN_REST "lk_rest" /* what has no column, as JSON */

/* Whether a column says where a row came from, and not what it is: lk_file, lk_row, lk_sent. */
bool lk_column_is_trace(const char *name);

/*
 * Metadata keys of schemas and fields, under `lk.`:
 *
 *	schema: lk.table, lk.segment, lk.key (JSON list of columns), lk.order (column), lk.load (append, upsert, full),
 *	        lk.scope (JSON list), lk.partition (JSON list of transforms such as "day(admitted)"), lk.package,
 *		lk.uniqueKeys, lk.foreignKeys (JSON, see lk-stream(5))
 *	field:  lk.phi (privacy class), lk.doc (description)
 */
#define LK_META_TABLE "lk.table"
#define LK_META_SEGMENT "lk.segment"
#define LK_META_KEY "lk.key"
#define LK_META_ORDER "lk.order"
#define LK_META_LOAD "lk.load"
#define LK_META_SCOPE "lk.scope"
#define LK_META_PARTITION "lk.partition"
#define LK_META_UNIQUE "lk.uniqueKeys"
#define LK_META_FOREIGN "lk.foreignKeys"
#define LK_META_PHI "lk.phi"
#define LK_META_DOC "lk.doc"
#define LK_META_PACKAGE "lk.package"
#define LK_META_OP "lk.op"
#define LK_META_MAX_VANISH "lk.maxVanish"
#define LK_META_HISTORY "lk.history" /* "true": rows of the past stay, closed */
#define LK_META_CHANGE "lk.change"

#endif
