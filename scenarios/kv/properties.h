/* What must hold of every run, seen from the clients. */
#ifndef KV_PROPERTIES_H
#define KV_PROPERTIES_H

#include <mm1/system.h>

#define KV_PROPERTY_COUNT 3
extern const struct mm1_property kv_properties[KV_PROPERTY_COUNT];

#endif
