/* model_facts.h - what a person wants to know of an opened model, as a JSON object. */
#ifndef IMPORT_MODEL_FACTS_H
#define IMPORT_MODEL_FACTS_H
#include "import/model_open.h"
#include <cjson/cJSON.h>

/* The caller's, to be deleted with cJSON_Delete. NULL when out of memory. */
cJSON *model_facts(const struct model *model);

#endif
