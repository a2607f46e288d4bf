/* json.h - JSON objects that are whole or known not to be. cJSON has no mark of what it could not add for want of
 * memory; here *whole becomes false, and whoever made it leaves it. */
#ifndef BASE_JSON_H
#define BASE_JSON_H
#include <cjson/cJSON.h>
#include <stdbool.h>

void json_text(bool *whole, cJSON *to, const char *name, const char *text);
void json_number(bool *whole, cJSON *to, const char *name, double number);
void json_bool(bool *whole, cJSON *to, const char *name, bool value);
cJSON *json_array(bool *whole, cJSON *to, const char *name);
cJSON *json_object(bool *whole, cJSON *to, const char *name);

/* Take the item over, which may be NULL where memory ended. name NULL: to is an array. */
void json_item(bool *whole, cJSON *to, const char *name, cJSON *item);

#endif
