-- Errors point into the text of the query, in characters, whenever they are found.
SET client_min_messages = warning;
SELECT mimir.create_tenant('t_position') > 0 AS created;
SET mimir.tenant = 't_position';
SET mimir.promql_experimental = on;
SELECT count(mimir.write(jsonb_build_object('__name__', name, 'job', 'ä', 'i', i::text), '2026-03-01', i))
FROM (VALUES ('a'), ('b')) n (name), generate_series(1, 2) i;
-- while parsing
SELECT * FROM mimir.promql_query('sum({job="äöü"}', '2026-03-01');
SELECT * FROM mimir.promql_query('{job="äöü"} + rate(a)', '2026-03-01');
SELECT * FROM mimir.promql_query(E'sum(a)\n  + rate(b[5m]', '2026-03-01');
-- while planning
SELECT * FROM mimir.promql_query('sum({job="ä"}) + changes(a[5m] smoothed)', '2026-03-01');
-- while running
SELECT * FROM mimir.promql_query('sum(a{job="ä"}) + (a * on (job) b)', '2026-03-01');
SELECT * FROM mimir.promql_query('sum(a{job="ä"}) or (a * on (job) group_left () b)', '2026-03-01');
SELECT * FROM mimir.promql_query('sum(a{job="ä"}) or topk(0 / 0, a)', '2026-03-01');
SELECT * FROM mimir.promql_query('sum(a{job="ä"}) or limit_ratio(0 / 0, a)', '2026-03-01');
SELECT * FROM mimir.promql_query('sum(a{job="ä"}) or -{job="ä"}', '2026-03-01');
-- the function as such does the same
SELECT (mimir.promql_query('sum(a{job="ä"}) or topk(0 / 0, a)', '2026-03-01')).value;
