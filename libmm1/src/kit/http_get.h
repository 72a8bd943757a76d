/* The head of an HTTP/1 request, read strictly: enough to serve one text under one path. */
#ifndef MM1_KIT_HTTP_GET_H
#define MM1_KIT_HTTP_GET_H

#include <mm1/bytes.h>

/* A head that is longer is answered with 400. */
#define MM1__HTTP_HEAD_MAX 8192

/* What to answer to a request that begins with `bytes`: 200 when it is a GET of `path`, with or without a query; 404:
 * of another path; 405: another method; 400: it is malformed, too long or has a body; 0: more bytes are needed. */
int mm1__http_get(struct mm1_bytes bytes, struct mm1_text path);

#endif
