-- Everything of the extension has a comment, every table with tenants has row-level security, no view
-- goes around it, and nothing is for everybody.
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
SELECT pg_describe_object(classid, objid, 0) FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'mimir_pg') AND deptype = 'e'
  AND obj_description(objid, classid::regclass::text) IS NULL
  AND NOT (classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class WHERE oid = objid AND relkind IN ('i', 'I', 'S')))
ORDER BY 1;
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'mimir' AND relkind = 'v' AND EXISTS (SELECT FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
  WHERE d.classid = 'pg_rewrite'::regclass AND r.ev_class = c.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
    AND d.refobjid IN (SELECT oid FROM pg_class WHERE relrowsecurity))
  AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false);
SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE nspname = 'mimir' AND has_function_privilege('public', p.oid, 'EXECUTE');
-- operators and operator classes fit together
SELECT opcname, amname FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod WHERE opcnamespace = 'mimir'::regnamespace AND NOT amvalidate(pg_opclass.oid);
SELECT o.oid::regoperator FROM pg_operator o LEFT JOIN pg_operator c ON c.oid = o.oprcom LEFT JOIN pg_operator n ON n.oid = o.oprnegate
WHERE o.oprnamespace = 'mimir'::regnamespace AND (o.oprcode = 0 OR c.oprcom <> o.oid OR n.oprnegate <> o.oid OR c.oprresult <> o.oprresult OR n.oprresult <> o.oprresult
  OR (o.oprresult = 'boolean'::regtype AND o.oprrest = 0));
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'mimir'::regnamespace AND provolatile = 'i' AND proparallel <> 's';
