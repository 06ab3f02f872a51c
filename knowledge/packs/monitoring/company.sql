-- Nothing is looked up here: other systems report, and messages are sent. The table shows how a company of your own begins.
CREATE TABLE reports (id INTEGER PRIMARY KEY, name TEXT NOT NULL, made_at TEXT NOT NULL);
INSERT INTO reports VALUES (1, 'Sales by day', datetime('now', '-6 hours'));
