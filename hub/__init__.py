"""The central server: accepts runs, collects, judges, sends alerts, and shows pages."""
