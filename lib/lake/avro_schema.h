/* Parts of the Avro schemas of manifests and their lists: private to the two that write them. */
#ifndef LK_LAKE_AVRO_SCHEMA_H
#define LK_LAKE_AVRO_SCHEMA_H

/* A map whose keys are no strings is an array of pairs. */
#define PAIRS(key, value, type)                                                                                       \
	"[\"null\",{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":\"k" key "_v" value \
	"\",\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":" key "},"                                    \
	"{\"name\":\"value\",\"type\":\"" type "\",\"field-id\":" value "}]}}]"
#define FIELD(name, id, type) "{\"name\":\"" name "\",\"type\":" type ",\"field-id\":" id "}"
#define OPTIONAL(name, id, type) "{\"name\":\"" name "\",\"type\":" type ",\"default\":null,\"field-id\":" id "}"
#define LONG "\"long\""
#define INT "\"int\""
#define TEXT "\"string\""

#endif
