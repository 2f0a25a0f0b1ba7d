/*
 * Forms of text: the types and formats of the Table Schema standard whose values stay text, and are only checked.
 *
 * Each check takes the whole of <s, len>, which is valid UTF-8 without NUL, and says whether it has the form.
 */
#ifndef LK_SOURCE_FORM_H
#define LK_SOURCE_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lk_str;

bool lk_form_email(const char *s, size_t len);
bool lk_form_uri(const char *s, size_t len);	/* RFC 3986, with a scheme */
bool lk_form_uuid(const char *s, size_t len);	/* RFC 9562 */
bool lk_form_base64(const char *s, size_t len); /* RFC 4648, white space aside */
bool lk_form_yearmonth(const char *s, size_t len); /* YYYY-MM */

/* "lon, lat"; [lon, lat]; {"lon": lon, "lat": lat}: within 180 and 90 degrees. */
bool lk_form_geopoint(const char *s, size_t len);
bool lk_form_geopoint_array(const char *s, size_t len);
bool lk_form_geopoint_object(const char *s, size_t len);
bool lk_form_geojson(const char *s, size_t len);  /* RFC 7946 */
bool lk_form_topojson(const char *s, size_t len); /* a topology, its objects and arcs */
bool lk_form_object(const char *s, size_t len);
bool lk_form_array(const char *s, size_t len);

/* A duration (ISO 8601): years and months on one side, what has a fixed length on the other. */
struct lk_duration {
	int64_t months, us;
};
/* [-]PnYnMnDTnHnMnS or [-]PnW; the last number may have a fraction. */
bool lk_form_duration(const char *s, size_t len);
bool lk_duration_of(const char *s, size_t len, struct lk_duration *out);

/* How many items a JSON array or members a JSON object has; -1 when it is neither. */
int64_t lk_form_count(const char *s, size_t len);
/* A JSON value in one form for all that are equal: members sorted, no blanks. False when it is none, or out of memory. */
bool lk_form_canonical(const char *s, size_t len, struct lk_str *out);

#endif
