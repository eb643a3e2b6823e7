-- Everything of the extension has a comment, and every table with tenants has row-level security.
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'mimir' AND relkind IN ('r', 'p', 'v', 'S') AND NOT relispartition
  AND c.relname !~ '_seq$' AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE nspname = 'mimir' AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE nspname = 'mimir' AND relkind IN ('r', 'p') AND NOT relispartition
  AND col_description(c.oid, attnum) IS NULL;
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  JOIN pg_attribute a ON attrelid = c.oid AND attname = 'tenant_id'
WHERE nspname = 'mimir' AND relkind IN ('r', 'p') AND NOT relrowsecurity;
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE nspname = 'mimir' AND has_function_privilege('public', p.oid, 'EXECUTE');
