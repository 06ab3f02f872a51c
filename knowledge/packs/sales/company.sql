-- Leads and quotes, made anew for every trial. All days are counted from today.
CREATE TABLE leads (id INTEGER PRIMARY KEY, company TEXT NOT NULL, contact TEXT NOT NULL, value INTEGER NOT NULL, owner TEXT NOT NULL,
  last_contact_at TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE follow_ups (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, due_on TEXT NOT NULL, note TEXT);
CREATE TABLE quotes (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, amount INTEGER NOT NULL, sent_on TEXT NOT NULL, valid_until TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE quote_calls (id INTEGER PRIMARY KEY, quote_id INTEGER NOT NULL, due_on TEXT NOT NULL, note TEXT);
-- A year of ordinary leads, won and lost.
WITH RECURSIVE ordinary(n) AS (SELECT 101 UNION ALL SELECT n + 1 FROM ordinary WHERE n < 150)
INSERT INTO leads SELECT n, 'Company ' || n, 'Contact ' || n, n * 10, 'Mina Roth', datetime('now', (-(n - 90) * 5) || ' days'), CASE n % 3 WHEN 0 THEN 'won' ELSE 'lost' END FROM ordinary;
INSERT INTO quotes (id, lead_id, amount, sent_on, valid_until, status)
SELECT id, id, value, date(last_contact_at, '-3 days'), date(last_contact_at, '+27 days'), status FROM leads;
-- Lead 1 is warm and forgotten. 2 has a call in the diary. 3 was spoken to today. 4 is won. 5 was left alone so long that it is no lead any more.
INSERT INTO leads VALUES
  (1, 'Brightside Hotels', 'Jun Costa', 8400, 'Dev Patel', datetime('now', '-3 days'), 'warm'),
  (2, 'Northgate Caterers', 'Ivo Egan', 5200, 'Mina Roth', datetime('now', '-3 days'), 'warm'),
  (3, 'Sable Arts', 'Bela Lund', 3100, 'Sam Oduya', datetime('now', '-3 hours'), 'warm'),
  (4, 'Pell & Co', 'Femi Hale', 900, 'Dev Patel', datetime('now', '-3 days'), 'won'),
  (5, 'Linden Schools', 'Sol Kaur', 700, 'Dev Patel', datetime('now', '-60 days'), 'warm'),
  (6, 'Kestrel Events', 'Ada Marsh', 4600, 'Mina Roth', datetime('now', '-9 days'), 'quoted'),
  (7, 'Fairweather Cruises', 'Otis Grey', 9900, 'Sam Oduya', datetime('now', '-2 days'), 'quoted'),
  (8, 'Marlow & Sons', 'Nia Dunn', 2300, 'Dev Patel', datetime('now', '-9 days'), 'quoted');
INSERT INTO follow_ups (lead_id, due_on, note) VALUES (2, date('now', '+1 day'), 'by hand');
-- Quote 1 was sent and left alone. 2: somebody spoke with them since. 3 has a call. 4 has run out. 5 is of yesterday. 6 was won.
INSERT INTO quotes VALUES
  (1, 6, 4600, date('now', '-8 days'), date('now', '+10 days'), 'sent'), (2, 7, 9900, date('now', '-8 days'), date('now', '+10 days'), 'sent'),
  (3, 8, 2300, date('now', '-8 days'), date('now', '+10 days'), 'sent'), (4, 6, 1200, date('now', '-20 days'), date('now', '-2 days'), 'sent'),
  (5, 6, 800, date('now', '-1 day'), date('now', '+20 days'), 'sent'), (6, 6, 3000, date('now', '-8 days'), date('now', '+10 days'), 'won');
INSERT INTO quote_calls (quote_id, due_on, note) VALUES (3, date('now', '+1 day'), 'by hand');
