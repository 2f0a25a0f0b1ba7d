#include "change/scratch.h"

#include <stdlib.h>

#include "base/file.h"

const char *lk_scratch_folder(const char *folder)
{
	if (!folder || !*folder)
		folder = getenv("TMPDIR");
	return folder && *folder ? folder : "/tmp";
}

enum lk_status lk_scratch_open(const char *folder, int *fd, struct lk_error *err)
{
	return lk_temp_open(lk_scratch_folder(folder), fd, err);
}
