-- A small office, made anew for every trial. All days are counted from today.
CREATE TABLE people (number TEXT PRIMARY KEY, name TEXT NOT NULL, team TEXT NOT NULL, starts_on TEXT NOT NULL, left_on TEXT);
CREATE TABLE access (number TEXT PRIMARY KEY, places TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE inductions (id INTEGER PRIMARY KEY, number TEXT NOT NULL, host TEXT NOT NULL, day TEXT NOT NULL, note TEXT);
CREATE TABLE teams (name TEXT PRIMARY KEY, lead TEXT NOT NULL, deputy TEXT NOT NULL);
CREATE TABLE projects (name TEXT PRIMARY KEY, lead TEXT NOT NULL, deputy TEXT NOT NULL);
CREATE TABLE work (id INTEGER PRIMARY KEY, title TEXT NOT NULL, project TEXT NOT NULL, owner TEXT, due_on TEXT NOT NULL, done_on TEXT);
CREATE TABLE to_dos (id INTEGER PRIMARY KEY, ref TEXT NOT NULL, title TEXT NOT NULL, person TEXT NOT NULL, due_on TEXT NOT NULL, note TEXT, done_on TEXT);
-- 17 left and can sign in to three places. 18 left, and all is closed. 19 leaves next week. 21 starts soon and nobody expects her. 22 is expected. 23 starts in two months.
INSERT INTO people VALUES
  ('11', 'Ira Quill', 'Web shop', '2019-03-04', NULL), ('12', 'Lois Adair', 'Web shop', '2021-06-01', NULL), ('13', 'Juno Falk', 'Office', '2018-01-15', NULL),
  ('17', 'Rosa Lind', 'Web shop', '2020-09-01', date('now', '-2 days')), ('18', 'Abe Sorrel', 'Office', '2017-02-01', date('now', '-3 days')),
  ('19', 'Tove Marsh', 'Office', '2022-05-02', date('now', '+6 days')), ('21', 'Noor Ellery', 'Web shop', date('now', '+3 days'), NULL),
  ('22', 'Kim Savage', 'Office', date('now', '+3 days'), NULL), ('23', 'Pim Wold', 'Office', date('now', '+60 days'), NULL);
INSERT INTO teams VALUES ('Web shop', 'Ira Quill', 'Lois Adair'), ('Office', 'Juno Falk', 'Ira Quill');
INSERT INTO access VALUES
  ('11', 'e-mail, code, door', 'open'), ('12', 'e-mail, code', 'open'), ('13', 'e-mail, payroll, door', 'open'), ('17', 'e-mail, code, door', 'open'),
  ('18', 'e-mail, door', 'closed'), ('19', 'e-mail', 'open');
INSERT INTO inductions (number, host, day, note) VALUES ('22', 'Juno Falk', date('now', '+3 days'), 'by hand');
-- The lead of the newsletter left, so its deputy gets it. Nobody of the intranet is there any more.
INSERT INTO projects VALUES ('Web shop', 'Ira Quill', 'Lois Adair'), ('Newsletter', 'Rosa Lind', 'Lois Adair'), ('Intranet', 'Abe Sorrel', 'Rosa Lind');
-- 1 is late and nobody's. 2 is late and belongs to somebody who left. 3 has an owner. 4 is done. 5 is due next week. 6 is on a list. 7 belongs to a project without people.
INSERT INTO work VALUES
  (1, 'Renew the certificate of the shop', 'Web shop', NULL, date('now', '-2 days'), NULL),
  (2, 'Send the autumn letter', 'Newsletter', 'Rosa Lind', date('now', '-1 day'), NULL),
  (3, 'New pictures of the cellar', 'Web shop', 'Ira Quill', date('now', '-2 days'), NULL),
  (4, 'Prices of spring', 'Web shop', NULL, date('now', '-4 days'), date('now', '-4 days')),
  (5, 'Terms of delivery in French', 'Web shop', NULL, date('now', '+7 days'), NULL),
  (6, 'Answer the auditor', 'Web shop', NULL, date('now', '-2 days'), NULL),
  (7, 'Move the holiday calendar', 'Intranet', NULL, date('now', '-3 days'), NULL);
INSERT INTO to_dos (ref, title, person, due_on, note) VALUES ('work:6', 'Answer the auditor', 'Lois Adair', date('now', '+1 day'), 'by hand');
WITH RECURSIVE ordinary(n) AS (SELECT 101 UNION ALL SELECT n + 1 FROM ordinary WHERE n < 140)
INSERT INTO work SELECT n, 'Task ' || n, 'Web shop', 'Lois Adair', date('now', -(n - 100) || ' days'), date('now', -(n - 100) || ' days') FROM ordinary;
