/*
 * tsdb_tool.c
 *    A test program over wire/: TSDB blocks, the text format and remote read by files and pipes, so
 *    that tests can put them beside Prometheus' own tools.
 *
 *    write DIR SERIES SAMPLES     a block of generated series in DIR/ULID; prints its samples,
 *                                 but not those that its tombstones delete
 *    dump BLOCK                   checks a block and prints its samples, deleted ones left out
 *    parse FILE                   samples of a text file
 *    read-request FROM TO samples|chunks NAME =|!=|=~|!~ VALUE   a request to standard output
 *    read-decode samples|chunks   an answer from standard input; prints its samples
 *    read-serve BLOCK             a request from standard input, answered to standard output
 */
#include "tsdb_tool.h"

#include "histogram_gen.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/json.h"
#include "wire/openmetrics.h"
#include "wire/tsdb_writer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_MS	 INT64_C(1700000000000)
#define SCRAPE_MS	 15000
#define CHUNK_MAX	 120 /* samples of a float chunk */
#define MAX_SEGMENTS 1000
#define DELETED_FROM 30 /* samples, by number */
#define DELETED_TO	 39

void
tool_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* --- samples as text ------------------------------------------------------------------------------- */

static void
put_labels(Buf *out, Labels labels)
{
	LabelsIter it;
	Label l;
	bool first = true;

	buf_char(out, '{');
	labels_iter_init(&it, labels);
	while (labels_next(&it, &l))
	{
		buf_str(out, first ? "" : ", ");
		first = false;
		buf_append(out, l.name.s, l.name.len);
		buf_char(out, '=');
		text_quote(out, l.value.s, l.value.len);
	}
	buf_str(out, "} ");
}

static void
print_line(Labels labels, const char *value, int64_t t)
{
	Buf line;

	buf_init(&line, 256, 1 << 24);
	put_labels(&line, labels);
	printf("%s%s %" PRId64 "\n", line.data, value, t);
	buf_free(&line);
}

void
tool_print_float(Labels labels, int64_t t, double v)
{
	char text[TEXT_DOUBLE_MAX];

	text_double_shortest_g(text, v);
	print_line(labels, text, t);
}

void
tool_print_histogram(Labels labels, const HistogramSample *s)
{
	Buf json;

	buf_init(&json, 256, 1 << 24);
	json_histogram(&json, s->i != NULL ? histogram_from_int(s->i) : s->f);
	print_line(labels, json.data, s->t);
	buf_free(&json);
}

bool
tool_is_deleted(int n, const TsdbTombstone *deleted, int64_t t)
{
	for (int i = 0; i < n; i++)
		if (t >= deleted[i].min_t && t <= deleted[i].max_t)
			return true;
	return false;
}

void
tool_print_chunk(Labels labels, ChunkEncoding encoding, const uint8_t *data, size_t len,
				 int n_deleted, const TsdbTombstone *deleted)
{
	static int64_t t[CHUNK_MAX_SAMPLES];
	static double v[CHUNK_MAX_SAMPLES];
	HistogramSample *h = NULL;
	Err err = ERR_INIT;
	int n = encoding == CHUNK_XOR ? chunk_xor_decode(data, len, t, v, CHUNK_MAX_SAMPLES, &err)
								  : chunk_histogram_decode(encoding, data, len, &h, &err);

	if (n < 0)
		tool_fail("%s", err.msg);
	for (int i = 0; i < n; i++)
	{
		if (tool_is_deleted(n_deleted, deleted, h != NULL ? h[i].t : t[i]))
			continue;
		if (h != NULL)
			tool_print_histogram(labels, &h[i]);
		else
			tool_print_float(labels, t[i], v[i]);
	}
}

/* --- files --------------------------------------------------------------------------------------------- */

TsdbBytes
tool_map(const char *path, bool optional)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 && optional)
		return (TsdbBytes){NULL, 0};
	if (fd < 0 || fstat(fd, &st) != 0)
		tool_fail("%s: %m", path);
	if (st.st_size == 0)
		return (TsdbBytes){(const uint8_t *) "", 0};
	p = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		tool_fail("%s: %m", path);
	close(fd);
	return (TsdbBytes){p, (size_t) st.st_size};
}

TsdbBlock *
tool_open_block(const char *dir)
{
	static TsdbBytes segments[MAX_SEGMENTS];
	TsdbBlockFiles files = {.segments = segments};
	TsdbBlock *b;
	Err err = ERR_INIT;

	files.meta = tool_map(mem_printf("%s/meta.json", dir), false);
	files.index = tool_map(mem_printf("%s/index", dir), false);
	files.tombstones = tool_map(mem_printf("%s/tombstones", dir), true);
	for (int i = 0; i < MAX_SEGMENTS; i++)
	{
		segments[i] = tool_map(mem_printf("%s/chunks/%06d", dir, i + 1), true);
		if (segments[i].data == NULL)
			break;
		files.n_segments++;
	}
	b = tsdb_block_open(&files, &err);
	if (b == NULL || !tsdb_index_check(tsdb_block_index(b), &err))
		tool_fail("%s: %s", dir, err.msg);
	return b;
}

TsdbBytes
tool_read_stdin(void)
{
	Buf in;
	size_t n;

	buf_init(&in, 1 << 16, 1 << 30);
	do
	{
		buf_grow(&in, 1 << 16);
		n = fread(in.data + in.len, 1, 1 << 16, stdin);
		in.len += n;
	} while (n > 0);
	return (TsdbBytes){(const uint8_t *) in.data, in.len};
}

void
tool_write_stdout(const void *data, size_t len)
{
	if (fwrite(data, 1, len, stdout) != len)
		tool_fail("standard output: %m");
}

/* --- dump ------------------------------------------------------------------------------------------------ */

static int
dump(int argc, char **argv)
{
	TsdbBlock *b = tool_open_block(argv[0]);
	TsdbBlockSeries s;
	TsdbBlockChunk c;
	Err err = ERR_INIT;
	int got;

	while ((got = tsdb_block_next_series(b, &s, &err)) == 1)
	{
		while ((got = tsdb_block_next_chunk(b, &c, &err)) == 1)
			tool_print_chunk(s.labels, c.chunk.encoding, c.chunk.data, c.chunk.len, s.n_deleted,
							 s.deleted);
		if (got < 0)
			break;
	}
	if (got < 0)
		tool_fail("%s", err.msg);
	return 0;
}

/* --- parse ------------------------------------------------------------------------------------------------ */

static int
parse(int argc, char **argv)
{
	TsdbBytes file = tool_map(argv[0], false);
	const char *text = (const char *) file.data;
	OmReader *r = om_reader_create(om_detect(text, file.len), text, file.len);
	OmItem item;
	Err err = ERR_INIT;
	int got;

	while ((got = om_next(r, &item, &err)) == 1)
		if (item.kind == OM_SAMPLE)
			tool_print_float(item.labels, item.has_t ? item.t : 0, item.value);
	if (got < 0)
		tool_fail("%s", err.msg);
	return 0;
}

/* --- write ------------------------------------------------------------------------------------------------- */

typedef struct BlockDir
{
	char *path;
	FILE *index, *segment;
	int number;
} BlockDir;

static FILE *
create(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL)
		tool_fail("%s: %m", path);
	return f;
}

static bool
write_file(void *arg, TsdbFileKind kind, int number, const void *data, size_t len, Err *err)
{
	BlockDir *d = arg;
	FILE *f = kind == TSDB_FILE_INDEX ? d->index : d->segment;
	bool whole = kind == TSDB_FILE_META || kind == TSDB_FILE_TOMBSTONES;

	if (kind == TSDB_FILE_SEGMENT && number != d->number)
	{
		if (d->segment != NULL)
			fclose(d->segment);
		f = d->segment = create(mem_printf("%s/chunks/%06d", d->path, number));
		d->number = number;
	}
	if (whole)
		f = create(
			mem_printf("%s/%s", d->path, kind == TSDB_FILE_META ? "meta.json" : "tombstones"));
	if (fwrite(data, 1, len, f) != len || (whole && fclose(f) != 0))
		return err_set(err, ERR_INTERNAL, -1, "could not write");
	return true;
}

static int
by_labels(const void *a, const void *b)
{
	return labels_cmp(*(const Labels *) a, *(const Labels *) b);
}

/* One in eight an integer histogram, one in eight a float histogram, the others floats. */
static Labels *
make_labels(int n)
{
	static const char *const zones[] = {"", "a\\b", "new\nline", "\"q\"", "\xc3\xa4"};
	Labels *out = mem_alloc(sizeof(*out) * (size_t) n);
	LabelsBuilder b;

	labels_builder_init(&b);
	for (int i = 0; i < n; i++)
	{
		const char *kind = i % 8 == 3 ? "histogram" : i % 8 == 6 ? "float_histogram" : "gauge";

		labels_builder_reset(&b);
		labels_builder_set(&b, strview_cstr("__name__"),
						   strview_cstr(mem_printf("test_%s_%d", kind, i % 16 / 8)));
		labels_builder_set(&b, strview_cstr("instance"), strview_cstr(mem_printf("host-%d", i)));
		labels_builder_set(&b, strview_cstr("zone"), strview_cstr(zones[i % 5]));
		out[i] = labels_builder_finish(&b);
	}
	qsort(out, (size_t) n, sizeof(*out), by_labels);
	return out;
}

static double
float_value(int series, int i)
{
	static const double special[] = {0, -0.0, 1e300, -1e-300, 0x1p-1074, 123456789012345678.0};

	if (i % 50 == 7)
		return special[(i / 50 + series) % 6];
	if (i % 97 == 11)
		return i % 2 == 0 ? INFINITY : -INFINITY;
	return series % 3 == 0 ? i * (series + 1) : series + i * 0.1;
}

static void
check(bool ok, const Err *err)
{
	if (!ok)
		tool_fail("%s", err->msg);
}

static void
add_floats(TsdbWriter *w, Labels labels, int series, int n, Err *err)
{
	static uint8_t buf[CHUNK_MAX * CHUNK_XOR_MAX_SAMPLE + CHUNK_XOR_MIN_CAP];

	for (int first = 0; first < n; first += CHUNK_MAX)
	{
		int last = first + CHUNK_MAX < n ? first + CHUNK_MAX : n;
		int64_t t = 0;
		ChunkXorWriter x;

		chunk_xor_init(&x, buf, sizeof(buf));
		for (int i = first; i < last; i++)
		{
			t = START_MS + (int64_t) SCRAPE_MS * i + i * series % 7;
			chunk_xor_append(&x, t, float_value(series, i));
			if (series % 5 != 4 || i < DELETED_FROM || i > DELETED_TO)
				tool_print_float(labels, t, float_value(series, i));
		}
		check(tsdb_writer_add_chunk(w, CHUNK_XOR,
									START_MS + (int64_t) SCRAPE_MS * first + first * series % 7, t,
									buf, chunk_xor_size(&x), err),
			  err);
	}
}

/* A range of samples of one in five float series is deleted. */
static void
add_tombstone(TsdbWriter *w, int series)
{
	if (series % 5 == 4)
		tsdb_writer_add_tombstone(w, START_MS + (int64_t) SCRAPE_MS * DELETED_FROM,
								  START_MS + (int64_t) SCRAPE_MS * (DELETED_TO + 1) - 1);
}

static void
add_histograms(TsdbWriter *w, Labels labels, int series, int n, bool is_float, Err *err)
{
	GenState g = {.random = (uint64_t) series + 1, .schema = series % 9 - 1, .first = -8};
	HistogramSample *samples = mem_alloc(sizeof(*samples) * (size_t) n);
	ChunkBytes *chunks;
	int n_chunks;

	for (int i = 0; i < n; i++)
	{
		gen_observe(&g, 5, 3 + i / 20 % 18);
		samples[i] = gen_sample(&g, START_MS + (int64_t) SCRAPE_MS * i, is_float, false);
		tool_print_histogram(labels, &samples[i]);
	}
	n_chunks = chunk_histogram_encode(samples, n, 1024, &chunks);
	for (int i = 0; i < n_chunks; i++)
		check(tsdb_writer_add_chunk(w, chunks[i].encoding, chunks[i].min_t, chunks[i].max_t,
									chunks[i].data, chunks[i].len, err),
			  err);
}

static int
write_block(int argc, char **argv)
{
	static const uint8_t entropy[TSDB_ULID_RANDOM] = {0xfe, 0xdc, 0xba, 0x98,
													  0x76, 0x54, 0x32, 0x10};
	BlockDir dir = {0};
	TsdbWriterConfig config = {write_file, &dir, 256 << 20, 100000};
	int n = atoi(argv[1]), samples = atoi(argv[2]);
	Labels *labels = make_labels(n);
	TsdbMeta meta = {.level = 1};
	TsdbWriter *w;
	Err err = ERR_INIT;

	tsdb_ulid_make(START_MS, entropy, &meta.ulid);
	dir.path = mem_printf("%s/%s", argv[0], meta.ulid.text);
	if (mkdir(dir.path, 0755) != 0 || mkdir(mem_printf("%s/chunks", dir.path), 0755) != 0)
		tool_fail("%s: %m", dir.path);
	dir.index = create(mem_printf("%s/index", dir.path));
	w = tsdb_writer_create(&config);
	for (int i = 0; i < n; i++)
		check(tsdb_writer_add_symbols(w, labels[i], &err), &err);
	check(tsdb_writer_begin(w, &err), &err);
	for (int i = 0; i < n; i++)
	{
		StrView name = labels_metric_name(labels[i]);

		check(tsdb_writer_add_series(w, labels[i], &err), &err);
		if (name.s[5] == 'g')
		{
			add_floats(w, labels[i], i, samples, &err);
			add_tombstone(w, i);
		}
		else
			add_histograms(w, labels[i], i, samples, name.s[5] == 'f', &err);
	}
	check(tsdb_writer_finish(w, &meta, &err), &err);
	fclose(dir.index);
	fclose(dir.segment);
	return 0;
}

/* --- main ---------------------------------------------------------------------------------------------------- */

int
main(int argc, char **argv)
{
	static const struct
	{
		const char *name;
		int args;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{"write", 3, write_block},
		{"dump", 1, dump},
		{"parse", 1, parse},
		{"read-request", 6, tool_read_request},
		{"read-decode", 1, tool_read_decode},
		{"read-serve", 1, tool_read_serve},
	};

	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 == commands[i].args)
			return commands[i].run(argc - 2, argv + 2);
	tool_fail("usage: the first lines of test/tools/tsdb_tool.c");
}
