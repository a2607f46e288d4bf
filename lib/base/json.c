/* json.c - see json.h. */
#include "base/json.h"

void json_text(bool *whole, cJSON *to, const char *name, const char *text)
{
    *whole &= cJSON_AddStringToObject(to, name, text) != NULL;
}

void json_number(bool *whole, cJSON *to, const char *name, double number)
{
    *whole &= cJSON_AddNumberToObject(to, name, number) != NULL;
}

void json_bool(bool *whole, cJSON *to, const char *name, bool value)
{
    *whole &= cJSON_AddBoolToObject(to, name, value) != NULL;
}

cJSON *json_array(bool *whole, cJSON *to, const char *name)
{
    cJSON *array = cJSON_AddArrayToObject(to, name);
    *whole &= array != NULL;
    return array;
}

cJSON *json_object(bool *whole, cJSON *to, const char *name)
{
    cJSON *object = cJSON_AddObjectToObject(to, name);
    *whole &= object != NULL;
    return object;
}

void json_item(bool *whole, cJSON *to, const char *name, cJSON *item)
{
    if (name ? cJSON_AddItemToObject(to, name, item) : cJSON_AddItemToArray(to, item))
        return;
    cJSON_Delete(item);
    *whole = false;
}
