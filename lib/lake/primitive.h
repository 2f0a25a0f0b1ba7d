/* Iceberg's primitive types by their words ("Primitive Types" of its specification), those that lk only reads among them. */
#ifndef LK_LAKE_PRIMITIVE_H
#define LK_LAKE_PRIMITIVE_H

enum lk_primitive_kind {
	LK_PRIMITIVE_NONE, /* nested, of a later format, or not told */
	LK_PRIMITIVE_BOOLEAN,
	LK_PRIMITIVE_INT,
	LK_PRIMITIVE_LONG,
	LK_PRIMITIVE_FLOAT,
	LK_PRIMITIVE_DOUBLE,
	LK_PRIMITIVE_DECIMAL,
	LK_PRIMITIVE_DATE,
	LK_PRIMITIVE_TIME,
	LK_PRIMITIVE_TIMESTAMP,
	LK_PRIMITIVE_TIMESTAMPTZ,
	LK_PRIMITIVE_STRING,
	LK_PRIMITIVE_UUID,
	LK_PRIMITIVE_FIXED,
	LK_PRIMITIVE_BINARY,
};

struct lk_primitive {
	enum lk_primitive_kind kind;
	int precision, scale; /* of decimals */
	int length;	      /* of fixed; bytes */
};

/* word: "long", "decimal(9, 2)", "fixed[16]"; NULL is none. */
struct lk_primitive lk_primitive_read(const char *word);

/* Bytes that the unscaled value of a decimal of that precision needs. */
int lk_decimal_bytes(int precision);

#endif
