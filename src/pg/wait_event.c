/*
 * wait_event.c
 *    Wait events by name from 17 on.
 */
#include "postgres.h"

#include "pg/wait_event.h"

#include "utils/wait_event.h"

uint32
mimir_wait_event(MimirWait w)
{
#if PG_VERSION_NUM >= 170000 /* allowed here: compat.h must not pull in wait events everywhere */
	static const char *const names[MIMIR_NWAITS] = {
		"MimirGateway", "MimirRequest", "MimirReply",	  "MimirFlusher", "MimirLauncher",
		"MimirDrain",	"MimirFlush",	"MimirCompactor", "MimirCompact",
	};
	static uint32 ids[MIMIR_NWAITS];

	if (ids[w] == 0)
		ids[w] = WaitEventExtensionNew(names[w]);
	return ids[w];
#else
	return PG_WAIT_EXTENSION;
#endif
}
