#!/bin/sh
# Run by the PostgreSQL image once, on an empty data folder: a role and its databases each for Perennia and for Temporal, so
# that neither can read the other.
set -eu

psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set perennia="$PERENNIA_DATABASE_PASSWORD" --set temporal="$TEMPORAL_DATABASE_PASSWORD" <<'SQL'
create role perennia login password :'perennia';
create database perennia owner perennia;
create role temporal login password :'temporal';
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke connect on database perennia, temporal, temporal_visibility from public;
SQL
