/*
 * validate.c
 *    Checks of received label sets, exemplars and metadata, in Mimir's order and words.
 *
 * Messages carry an id ("err-mimir-...") that operators search for; they quote at most 200 bytes
 * of a series.
 */
#include "postgres.h"

#include "ingest/validate.h"

#include "util/text.h"

#define VALIDATE_QUOTE		200	  /* bytes of a label or series shown */
#define VALIDATE_HARD_MAX	16000 /* bytes of a name or value the head can hold */
#define VALIDATE_EXEMPLAR	128	  /* runes of names and values together */
#define VALIDATE_METADATA	1024  /* bytes of help, name and unit */
#define VALIDATE_MAX_TEXT	(1024 * 1024)
#define VALIDATE_MAX_LABELS 8000 /* of one series, whatever the tenant's limit */

void
validate_series_text(Buf *out, const Label *labels, int n)
{
	bool first = true;

	for (int i = 0; i < n; i++)
		if (strview_eq_cstr(labels[i].name, LABELS_NAME))
			buf_append(out, labels[i].value.s, labels[i].value.len);
	for (int i = 0; i < n; i++)
	{
		if (strview_eq_cstr(labels[i].name, LABELS_NAME))
			continue;
		buf_str(out, first ? "{" : ", ");
		first = false;
		buf_append(out, labels[i].name.s, labels[i].name.len);
		buf_char(out, '=');
		text_quote(out, labels[i].value.s, labels[i].value.len);
	}
	if (!first)
		buf_char(out, '}');
}

/* The series as text, cut to what a message shows; invalid UTF-8 never gets out. */
static const char *
shown_series(const Label *labels, int n)
{
	Buf b;

	buf_init(&b, 256, VALIDATE_MAX_TEXT);
	validate_series_text(&b, labels, n);
	if (b.len > VALIDATE_QUOTE)
		b.data[b.len = VALIDATE_QUOTE] = '\0';
	while (b.len > 0 && !text_utf8_valid(b.data, b.len))
		b.data[--b.len] = '\0';
	return b.data;
}

static const char *
shown(StrView s)
{
	uint32 len = Min(s.len, VALIDATE_QUOTE);
	char *out = palloc(len + 1);
	uint32 n = 0;

	for (uint32 i = 0; i < len; i++)
		if ((unsigned char) s.s[i] < 0x80)
			out[n++] = s.s[i];
	out[n] = '\0';
	return out;
}

static bool
name_valid(const TenantLimits *limits, StrView name)
{
	if (limits->utf8_names)
		return name.len > 0 && text_utf8_valid(name.s, name.len);
	return labels_name_legacy_valid(name);
}

static bool
metric_valid(const TenantLimits *limits, StrView name)
{
	if (limits->utf8_names)
		return text_utf8_valid(name.s, name.len);
	return labels_metric_legacy_valid(name);
}

static bool
too_long(uint32 len, int limit)
{
	return len > VALIDATE_HARD_MAX || (limit > 0 && len > (uint32) limit);
}

static bool
check_label(const TenantLimits *limits, const Label *labels, int n, int i, Err *err)
{
	const Label *l = &labels[i];

	if (!name_valid(limits, l->name))
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series with an invalid label: '%s' series: '%s' "
					   "(err-mimir-label-invalid)",
					   shown(l->name), shown_series(labels, n));
	if (too_long(l->name.len, limits->max_label_name_length))
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series whose label name length exceeds the limit, label: '%s' "
					   "series: '%s' (err-mimir-label-name-too-long). To adjust the related "
					   "per-tenant limit, configure -validation.max-length-label-name, or contact "
					   "your service administrator.",
					   shown(l->name), shown_series(labels, n));
	if (!text_utf8_valid(l->value.s, l->value.len))
	{
		StrView metric = {"", 0};

		for (int k = 0; k < n; k++)
			if (strview_eq_cstr(labels[k].name, LABELS_NAME))
				metric = labels[k].value;
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series with invalid value in label '%s': '%s' metric: '%s' "
					   "(err-mimir-label-value-invalid)",
					   shown(l->name), shown(l->value), shown(metric));
	}
	if (too_long(l->value.len, limits->max_label_value_length))
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series whose label value length of %u exceeds the limit of %d, "
					   "label: '%s', value: '%s' (truncated) series: '%s' "
					   "(err-mimir-label-value-too-long). To adjust the related per-tenant limit, "
					   "configure -validation.max-length-label-value, or contact your service "
					   "administrator.",
					   l->value.len, limits->max_label_value_length, shown(l->name),
					   shown(l->value), shown_series(labels, n));
	if (i > 0 && strview_eq(labels[i - 1].name, l->name))
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series with duplicate label name, label: '%s' series: '%s' "
					   "(err-mimir-duplicate-label-names)",
					   shown(l->name), shown_series(labels, n));
	return true;
}

static void
sort_and_filter(Label *labels, int *n)
{
	int kept = 0;

	for (int i = 0; i < *n; i++)
	{
		Label l = labels[i];
		int at = kept;

		if (l.value.len == 0)
			continue;
		/* mostly sorted already */
		for (; at > 0 && strview_cmp(labels[at - 1].name, l.name) > 0; at--)
			labels[at] = labels[at - 1];
		labels[at] = l;
		kept++;
	}
	*n = kept;
}

bool
validate_labels(const TenantLimits *limits, Label *labels, int *n, Err *err)
{
	StrView metric = {NULL, 0};

	if (*n > VALIDATE_MAX_LABELS)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series with %d labels, more than the %d that are possible "
					   "(err-mimir-max-label-names-per-series)",
					   *n, VALIDATE_MAX_LABELS);
	sort_and_filter(labels, n);
	for (int i = 0; i < *n; i++)
		if (strview_eq_cstr(labels[i].name, LABELS_NAME))
			metric = labels[i].value;
	if (metric.s == NULL)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received series has no metric name (err-mimir-missing-metric-name)");
	if (!metric_valid(limits, metric))
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series with invalid metric name: '%s' "
					   "(err-mimir-metric-name-invalid)",
					   shown(metric));
	if (limits->max_label_names_per_series > 0 && *n > limits->max_label_names_per_series)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a series whose number of labels exceeds the limit (actual: %d, "
					   "limit: %d) series: '%s' (err-mimir-max-label-names-per-series). To adjust "
					   "the related per-tenant limit, configure "
					   "-validation.max-label-names-per-series, or contact your service "
					   "administrator.",
					   *n, limits->max_label_names_per_series, shown_series(labels, *n));
	for (int i = 0; i < *n; i++)
		if (!check_label(limits, labels, *n, i, err))
			return false;
	return true;
}

bool
validate_exemplar(const Exemplar *e, int64 now_ms, int64 grace_ms)
{
	LabelsIter it;
	Label l;
	uint32 runes = 0;
	bool any = false;

	if (e->labels.len == 0 || e->t == 0 || e->t > now_ms + grace_ms)
		return false;
	labels_iter_init(&it, e->labels);
	while (labels_next(&it, &l))
	{
		any = true;
		for (uint32 i = 0; i < l.name.len; i++)
			runes += ((unsigned char) l.name.s[i] & 0xC0) != 0x80;
		for (uint32 i = 0; i < l.value.len; i++)
			runes += ((unsigned char) l.value.s[i] & 0xC0) != 0x80;
		if (!text_utf8_valid(l.name.s, l.name.len) || !text_utf8_valid(l.value.s, l.value.len))
			return false;
	}
	return any && runes <= VALIDATE_EXEMPLAR;
}

bool
validate_metadata(Metadata *m, Err *err)
{
	if (m->family.len == 0)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a metric metadata with no metric name "
					   "(err-mimir-metadata-missing-metric-name)");
	if (m->family.len > VALIDATE_METADATA)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a metric metadata whose metric name length exceeds the limit, "
					   "metric name: '%s' (err-mimir-metric-name-too-long). To adjust the related "
					   "per-tenant limit, configure -validation.max-metadata-length, or contact "
					   "your service administrator.",
					   shown(m->family));
	if (m->unit.len > VALIDATE_METADATA)
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a metric metadata whose unit name length exceeds the limit, "
					   "unit: '%s' metric name: '%s' (err-mimir-unit-too-long). To adjust the "
					   "related per-tenant limit, configure -validation.max-metadata-length, or "
					   "contact your service administrator.",
					   shown(m->unit), shown(m->family));
	if (!text_utf8_valid(m->family.s, m->family.len) || !text_utf8_valid(m->unit.s, m->unit.len) ||
		!text_utf8_valid(m->help.s, m->help.len) || memchr(m->family.s, 0, m->family.len) ||
		memchr(m->unit.s, 0, m->unit.len) || memchr(m->help.s, 0, m->help.len))
		return err_set(err, ERR_BAD_REQUEST, -1,
					   "received a metric metadata with text that is not valid UTF-8, metric name: "
					   "'%s'",
					   shown(m->family));
	if (m->help.len > VALIDATE_METADATA)
	{
		m->help.len = VALIDATE_METADATA;
		while (m->help.len > 0 && ((unsigned char) m->help.s[m->help.len] & 0xC0) == 0x80)
			m->help.len--;
	}
	return true;
}
