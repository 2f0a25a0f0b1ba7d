#include "source/reader.h"

const struct lk_format_reader *lk_format_reader_of(const struct lk_resource *r)
{
	return r->is_xml ? &lk_read_xml : &lk_read_delimited;
}
