/*
 * tsdb_meta.c
 *    meta.json by json-c.
 *
 * json-c's objects come from malloc and would leak if an allocation of ours left by longjmp.  So
 * everything that is to be filled is allocated before the text is parsed, as large as a text of that
 * length can need (an array member has so many characters at least), and errors are texts that
 * stand still until the objects are gone.
 */
#include "wire/tsdb_meta.h"

#include "util/mem.h"

#include <inttypes.h>
#include <json-c/json.h>

#define MAX_DEPTH 16

/* characters of the shortest array members and their commas */
#define SOURCE_CHARS 29 /* "26 characters", */
#define PARENT_CHARS 37 /* {"ulid":"26 characters"}, */
#define FILE_CHARS	 16 /* {"rel_path":""}, */
#define LABEL_CHARS	 6	/* "":"", */

typedef struct MetaReader
{
	TsdbMeta *out;
	Label *labels;
	int n_labels, cap_labels;
	int cap_sources, cap_parents, cap_files;
	char *texts; /* where copies of strings go; strings are shorter than their JSON */
} MetaReader;

/* --- typed members: false if there is one of another type ------------------------------------- */

static bool
get_int(json_object *from, const char *key, int64_t *out)
{
	json_object *v;

	if (!json_object_object_get_ex(from, key, &v))
		return true;
	if (json_object_get_type(v) != json_type_int)
		return false;
	*out = json_object_get_int64(v);
	return true;
}

static bool
get_count(json_object *from, const char *key, int64_t *out)
{
	return get_int(from, key, out) && *out >= 0;
}

static bool
get_bool(json_object *from, const char *key, bool *out)
{
	json_object *v;

	if (!json_object_object_get_ex(from, key, &v))
		return true;
	if (json_object_get_type(v) != json_type_boolean)
		return false;
	*out = json_object_get_boolean(v);
	return true;
}

/* get_member -- an object or array; *out is NULL if there is none, or null. */
static bool
get_member(json_object *from, const char *key, json_type type, json_object **out)
{
	*out = NULL;
	return !json_object_object_get_ex(from, key, out) || *out == NULL ||
		   json_object_get_type(*out) == type;
}

static StrView
copy_text(MetaReader *r, const char *s, size_t len)
{
	char *to = r->texts;

	memcpy(to, s, len);
	r->texts += len;
	return strview(to, len);
}

static bool
get_ulid(json_object *v, TsdbUlid *out)
{
	return json_object_get_type(v) == json_type_string &&
		   tsdb_ulid_parse(json_object_get_string(v), (size_t) json_object_get_string_len(v), out);
}

static size_t
array_length(json_object *array)
{
	return array == NULL ? 0 : json_object_array_length(array);
}

/* --- parts: NULL, or what is wrong ---------------------------------------------------------------- */

static const char *
read_stats(json_object *root, TsdbMeta *m)
{
	json_object *stats;

	if (!get_member(root, "stats", json_type_object, &stats))
		return "stats";
	if (stats == NULL)
		return NULL;
	return get_count(stats, "numSamples", &m->samples) &&
				   get_count(stats, "numFloatSamples", &m->float_samples) &&
				   get_count(stats, "numHistogramSamples", &m->histogram_samples) &&
				   get_count(stats, "numSeries", &m->series) &&
				   get_count(stats, "numChunks", &m->chunks) &&
				   get_count(stats, "numTombstones", &m->tombstones)
			   ? NULL
			   : "stats";
}

static bool
read_sources(MetaReader *r, json_object *array)
{
	size_t n = array_length(array);

	for (size_t i = 0; i < n; i++)
		if (r->out->n_sources == r->cap_sources ||
			!get_ulid(json_object_array_get_idx(array, i), &r->out->sources[r->out->n_sources++]))
			return false;
	return true;
}

static bool
read_parents(MetaReader *r, json_object *array)
{
	size_t n = array_length(array);

	for (size_t i = 0; i < n; i++)
	{
		json_object *parent = json_object_array_get_idx(array, i), *ulid;
		TsdbBlockDesc *d = &r->out->parents[r->out->n_parents];

		if (r->out->n_parents == r->cap_parents ||
			json_object_get_type(parent) != json_type_object ||
			!json_object_object_get_ex(parent, "ulid", &ulid) || !get_ulid(ulid, &d->ulid) ||
			!get_int(parent, "minTime", &d->min_t) || !get_int(parent, "maxTime", &d->max_t))
			return false;
		r->out->n_parents++;
	}
	return true;
}

static const char *
read_compaction(MetaReader *r, json_object *root)
{
	TsdbMeta *m = r->out;
	json_object *compaction, *sources, *parents, *hints;

	if (!get_member(root, "compaction", json_type_object, &compaction))
		return "compaction";
	if (compaction == NULL)
		return NULL;
	if (!get_member(compaction, "sources", json_type_array, &sources) || !read_sources(r, sources))
		return "compaction.sources";
	if (!get_member(compaction, "parents", json_type_array, &parents) || !read_parents(r, parents))
		return "compaction.parents";
	if (!get_member(compaction, "hints", json_type_array, &hints))
		return "compaction.hints";
	for (size_t i = 0; i < array_length(hints); i++)
	{
		const char *hint = json_object_get_string(json_object_array_get_idx(hints, i));

		m->out_of_order |= hint != NULL && strcmp(hint, "from-out-of-order") == 0;
	}
	return get_count(compaction, "level", &m->level) &&
				   get_bool(compaction, "deletable", &m->deletable) &&
				   get_bool(compaction, "failed", &m->failed)
			   ? NULL
			   : "compaction";
}

static bool
read_files(MetaReader *r, json_object *array)
{
	size_t n = array_length(array);

	for (size_t i = 0; i < n; i++)
	{
		json_object *file = json_object_array_get_idx(array, i), *path;
		TsdbMetaFile *f = &r->out->files[r->out->n_files];

		if (r->out->n_files == r->cap_files || json_object_get_type(file) != json_type_object ||
			!json_object_object_get_ex(file, "rel_path", &path) ||
			json_object_get_type(path) != json_type_string ||
			!get_count(file, "size_bytes", &f->bytes))
			return false;
		f->path =
			copy_text(r, json_object_get_string(path), (size_t) json_object_get_string_len(path));
		r->out->n_files++;
	}
	return true;
}

static bool
read_labels(MetaReader *r, json_object *labels)
{
	struct json_object_iterator it, end;

	if (labels == NULL)
		return true;
	it = json_object_iter_begin(labels);
	end = json_object_iter_end(labels);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
	{
		const char *name = json_object_iter_peek_name(&it);
		json_object *value = json_object_iter_peek_value(&it);
		Label *l = &r->labels[r->n_labels];

		if (r->n_labels == r->cap_labels || json_object_get_type(value) != json_type_string)
			return false;
		l->name = copy_text(r, name, strlen(name));
		l->value =
			copy_text(r, json_object_get_string(value), (size_t) json_object_get_string_len(value));
		r->n_labels++;
	}
	return true;
}

static const char *
read_thanos(MetaReader *r, json_object *root)
{
	json_object *thanos, *part;

	if (!get_member(root, "thanos", json_type_object, &thanos))
		return "thanos";
	if (thanos == NULL)
		return NULL;
	if (!get_member(thanos, "labels", json_type_object, &part) || !read_labels(r, part))
		return "thanos.labels";
	if (!get_member(thanos, "files", json_type_array, &part) || !read_files(r, part))
		return "thanos.files";
	if (!get_member(thanos, "downsample", json_type_object, &part) ||
		(part != NULL && !get_count(part, "resolution", &r->out->resolution)))
		return "thanos.downsample";
	return NULL;
}

static const char *
read_root(MetaReader *r, json_object *root)
{
	TsdbMeta *m = r->out;
	json_object *ulid;
	int64_t version = 0;
	const char *wrong;

	if (json_object_get_type(root) != json_type_object)
		return "outermost value";
	if (!get_int(root, "version", &version) || version != 1)
		return "version";
	if (!json_object_object_get_ex(root, "ulid", &ulid) || !get_ulid(ulid, &m->ulid))
		return "ulid";
	if (!get_int(root, "minTime", &m->min_t) || !get_int(root, "maxTime", &m->max_t) ||
		m->min_t > m->max_t)
		return "time range";
	if ((wrong = read_stats(root, m)) != NULL || (wrong = read_compaction(r, root)) != NULL)
		return wrong;
	return read_thanos(r, root);
}

/* parse -- NULL, or what is wrong; allocates nothing from mem_alloc. */
static const char *
parse(MetaReader *r, TsdbBytes file)
{
	json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
	json_object *root;
	const char *wrong;

	if (tok == NULL)
		return "size";
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tok, (const char *) file.data, (int) file.len);
	wrong = json_tokener_get_error(tok) == json_tokener_success ? read_root(r, root) : "syntax";
	json_object_put(root);
	json_tokener_free(tok);
	return wrong;
}

bool
tsdb_meta_read(TsdbBytes file, TsdbMeta *out, Err *err)
{
	MetaReader r = {.out = out};
	const char *wrong;
	Buf external;
	int n;

	memset(out, 0, sizeof(*out));
	if (file.len > TSDB_META_MAX_BYTES)
		return err_set(err, ERR_CORRUPT, -1, "meta.json has more than %d bytes",
					   TSDB_META_MAX_BYTES);
	r.cap_sources = (int) (file.len / SOURCE_CHARS) + 1;
	r.cap_parents = (int) (file.len / PARENT_CHARS) + 1;
	r.cap_files = (int) (file.len / FILE_CHARS) + 1;
	r.cap_labels = (int) (file.len / LABEL_CHARS) + 1;
	out->sources = mem_alloc0(sizeof(*out->sources) * (size_t) r.cap_sources);
	out->parents = mem_alloc0(sizeof(*out->parents) * (size_t) (r.cap_parents + 1));
	out->files = mem_alloc0(sizeof(*out->files) * (size_t) (r.cap_files + 1));
	r.labels = mem_alloc(sizeof(*r.labels) * (size_t) (r.cap_labels + 1));
	r.texts = mem_alloc(file.len + 1);
	wrong = parse(&r, file);
	if (wrong != NULL)
		return err_set(err, ERR_CORRUPT, -1, "meta.json is malformed: %s", wrong);
	n = labels_sort(r.labels, r.n_labels);
	if (n < 0 || (n > 0 && r.labels[0].name.len == 0))
		return err_set(err, ERR_CORRUPT, -1, "meta.json is malformed: thanos.labels");
	buf_init(&external, labels_encoded_size(r.labels, n), TSDB_META_MAX_BYTES);
	labels_encode(&external, r.labels, n);
	out->external = (Labels){(const uint8_t *) external.data, (uint32_t) external.len};
	return true;
}

/* --- writing ------------------------------------------------------------------------------------------ */

/* put_count -- a member of stats; Prometheus leaves zeros out. */
static void
put_count(Buf *out, const char *key, int64_t v, bool *first)
{
	if (v == 0)
		return;
	buf_printf(out, "%s\n\t\t\"%s\": %" PRId64, *first ? "" : ",", key, v);
	*first = false;
}

static void
put_stats(Buf *out, const TsdbMeta *m)
{
	bool first = true;

	buf_str(out, "\t\"stats\": {");
	put_count(out, "numSamples", m->samples, &first);
	put_count(out, "numFloatSamples", m->float_samples, &first);
	put_count(out, "numHistogramSamples", m->histogram_samples, &first);
	put_count(out, "numSeries", m->series, &first);
	put_count(out, "numChunks", m->chunks, &first);
	put_count(out, "numTombstones", m->tombstones, &first);
	buf_str(out, first ? "},\n" : "\n\t},\n");
}

static void
put_compaction(Buf *out, const TsdbMeta *m)
{
	buf_printf(out, "\t\"compaction\": {\n\t\t\"level\": %" PRId64, m->level);
	for (int i = 0; i < m->n_sources; i++)
		buf_printf(out, "%s\n\t\t\t\"%s\"", i == 0 ? ",\n\t\t\"sources\": [" : ",",
				   m->sources[i].text);
	if (m->n_sources > 0)
		buf_str(out, "\n\t\t]");
	for (int i = 0; i < m->n_parents; i++)
		buf_printf(out,
				   "%s\n\t\t\t{\n\t\t\t\t\"ulid\": \"%s\",\n\t\t\t\t\"minTime\": %" PRId64
				   ",\n\t\t\t\t\"maxTime\": %" PRId64 "\n\t\t\t}",
				   i == 0 ? ",\n\t\t\"parents\": [" : ",", m->parents[i].ulid.text,
				   m->parents[i].min_t, m->parents[i].max_t);
	if (m->n_parents > 0)
		buf_str(out, "\n\t\t]");
	if (m->deletable)
		buf_str(out, ",\n\t\t\"deletable\": true");
	if (m->failed)
		buf_str(out, ",\n\t\t\"failed\": true");
	if (m->out_of_order)
		buf_str(out, ",\n\t\t\"hints\": [\n\t\t\t\"from-out-of-order\"\n\t\t]");
	buf_str(out, "\n\t},\n");
}

/* tsdb_meta_write -- append the JSON text, laid out as Prometheus does. */
void
tsdb_meta_write(Buf *out, const TsdbMeta *m)
{
	buf_printf(out,
			   "{\n\t\"ulid\": \"%s\",\n\t\"minTime\": %" PRId64 ",\n\t\"maxTime\": %" PRId64 ",\n",
			   m->ulid.text, m->min_t, m->max_t);
	put_stats(out, m);
	put_compaction(out, m);
	buf_str(out, "\t\"version\": 1\n}");
}
