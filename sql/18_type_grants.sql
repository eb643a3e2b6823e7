-- So far the schema has only functions of types: they look at their arguments and nothing else.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mimir FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mimir TO mimir_reader, mimir_writer;

