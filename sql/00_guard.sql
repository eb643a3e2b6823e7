\echo Use "CREATE EXTENSION mimir_pg" to load this file. \quit

