/* stand-in until the codec lands; never committed */
#ifndef MIMIR_CODEC_COLUMN_H
#define MIMIR_CODEC_COLUMN_H
#include "util/buf.h"
#include "util/err.h"
static inline void column_times_encode(const int64_t *t, int n, Buf *out){ buf_append(out,t,sizeof(*t)*n);}
static inline int column_times_decode(const uint8_t *p, size_t len, int64_t *t, int cap, Err *err){ if((int)(len/8)>cap) return -1; memcpy(t,p,len); return len/8;}
static inline void column_values_encode(const double *v, int n, Buf *out){ buf_append(out,v,sizeof(*v)*n);}
static inline bool column_values_range(const uint8_t *p, size_t len, int from, int to, double *v, Err *err){ if(8*(size_t)to>len) return err_set(err,ERR_CORRUPT,-1,"bad column"); memcpy(v,p+8*from,8*(size_t)(to-from)); return true;}
#endif
