-- The role by which Grafana reads the hub's database. It sees what the dashboard shows, and none of the tables with users, sessions,
-- tokens and messages. Run it once as the owner of the database, then set a password: \password sixfb_grafana
CREATE ROLE sixfb_grafana LOGIN;
ALTER ROLE sixfb_grafana SET default_transaction_read_only = on;
ALTER ROLE sixfb_grafana SET statement_timeout = '15s';
GRANT USAGE ON SCHEMA public TO sixfb_grafana;
GRANT SELECT (id, journey, location, slot, status, blame, first_status, first_blame, flaky) ON runs TO sixfb_grafana;
GRANT SELECT ON series, samples, sample_rollups, incidents, alerts TO sixfb_grafana;
