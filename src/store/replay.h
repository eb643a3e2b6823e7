/*
 * replay.h
 *    Samples of the log, applied to the head series by series.
 */
#ifndef MIMIR_STORE_REPLAY_H
#define MIMIR_STORE_REPLAY_H

#include "store/head.h"
#include "store/log_record.h"
#include "store/recover_int.h"

typedef struct Replay Replay;

extern Replay *replay_begin(IdMap *map);
extern void replay_add(Replay *r, uint32 gen, const LogRecord *rec);
extern void replay_apply(Replay *r);
extern uint64 replay_end(Replay *r);

#endif
