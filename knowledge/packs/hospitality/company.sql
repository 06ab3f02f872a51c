-- A small restaurant group, made anew for every trial. All days are counted from today.
CREATE TABLE venues (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, venue_id INTEGER NOT NULL);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, guest TEXT NOT NULL, phone TEXT, party INTEGER NOT NULL,
  starts_at TEXT NOT NULL, request TEXT, needs_role TEXT, note TEXT, bill REAL, status TEXT NOT NULL);
CREATE TABLE rota (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, staff_id INTEGER NOT NULL, day TEXT NOT NULL, role TEXT NOT NULL, note TEXT);
CREATE TABLE service_notes (id INTEGER PRIMARY KEY, venue_id INTEGER NOT NULL, text TEXT NOT NULL, severity TEXT NOT NULL,
  raised_at TEXT NOT NULL, closed_at TEXT, assigned_to INTEGER, guest TEXT);
CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT NOT NULL, venue_id INTEGER NOT NULL, done_by INTEGER NOT NULL,
  needs_evidence INTEGER NOT NULL, completed_at TEXT, evidence TEXT, status TEXT NOT NULL);
INSERT INTO venues VALUES (1, 'Harbour Street'), (2, 'The Vine Room');
INSERT INTO staff VALUES (1, 'Ada Bright', 'shift lead', 1), (2, 'Eli Grey', 'sommelier', 1), (3, 'Hana Ito', 'waiter', 1),
  (4, 'Milo Kaur', 'waiter', 2), (5, 'Nia Lund', 'sommelier', 2);
-- A month of ordinary evenings.
WITH RECURSIVE days(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM days WHERE n < 30)
INSERT INTO bookings (venue_id, guest, phone, party, starts_at, bill, status)
SELECT n % 2 + 1, 'Guest ' || n, '0200-' || n, n % 5 + 2, date('now', -n || ' days') || ' 19:00:00', 40.0 * (n % 5 + 2), 'seated' FROM days;
-- 101 lacks a sommelier, and Eli is free. 102 has one. 103 is cancelled. 104 asks for somebody whom nobody employs.
INSERT INTO bookings (id, venue_id, guest, phone, party, starts_at, request, needs_role, status) VALUES
  (101, 1, 'Cora Dunn', '0700-1', 6, datetime('now', '+20 hours'), 'wine pairing for the tasting menu', 'sommelier', 'confirmed'),
  (102, 2, 'Gil Hale', '0700-2', 4, datetime('now', '+20 hours'), 'wine pairing', 'sommelier', 'confirmed'),
  (103, 1, 'Otis Price', '0700-3', 8, datetime('now', '+20 hours'), 'wine pairing', 'sommelier', 'cancelled'),
  (104, 2, 'Pia Novak', '0700-4', 2, datetime('now', '+20 hours'), 'step-free table and help from the car', 'accessibility host', 'confirmed');
INSERT INTO rota (venue_id, staff_id, day, role) VALUES
  (2, 5, date('now', '+20 hours'), 'sommelier'), (1, 3, date('now', '+20 hours'), 'waiter'), (2, 4, date('now', '+20 hours'), 'waiter');
-- Lena Marsh comes for the eighth time (201). Una Orr is a regular and noted (202). Another Lena Marsh shares the name alone (203). Rafi Jarvis was here twice (204).
WITH RECURSIVE visits(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM visits WHERE n < 7)
INSERT INTO bookings (venue_id, guest, phone, party, starts_at, bill, status)
SELECT 1, 'Lena Marsh', '0700-5', 2, date('now', -(n * 28) || ' days') || ' 20:00:00', 95.0, 'seated' FROM visits
UNION ALL SELECT 1, 'Una Orr', '0700-6', 2, date('now', -(n * 21) || ' days') || ' 20:00:00', 80.0, 'seated' FROM visits
UNION ALL SELECT 1, 'Rafi Jarvis', '0700-8', 2, date('now', -(n * 40) || ' days') || ' 20:00:00', 60.0, 'seated' FROM visits WHERE n <= 2;
INSERT INTO bookings (id, venue_id, guest, phone, party, starts_at, note, status) VALUES
  (201, 1, 'Lena Marsh', '0700-5', 2, datetime('now', '+20 hours'), NULL, 'confirmed'),
  (202, 1, 'Una Orr', '0700-6', 2, datetime('now', '+20 hours'), 'Regular', 'confirmed'),
  (203, 2, 'Lena Marsh', '0700-7', 4, datetime('now', '+20 hours'), NULL, 'confirmed'),
  (204, 2, 'Rafi Jarvis', '0700-8', 2, datetime('now', '+20 hours'), NULL, 'confirmed');
-- Tess Orr wrote a mail about her evening, and the log has nothing of it.
INSERT INTO bookings (venue_id, guest, phone, party, starts_at, bill, status) VALUES (1, 'Tess Orr', '0700-9', 3, date('now', '-1 day') || ' 19:30:00', 120, 'seated');
-- Ines Vale filled in a form after her evening.
INSERT INTO bookings (venue_id, guest, phone, party, starts_at, bill, status) VALUES (2, 'Ines Vale', '0700-10', 2, date('now', '-1 day') || ' 18:30:00', 88, 'seated');
-- Note 1 belongs to nobody. 2 has somebody, 3 is closed, 4 is of today, 5 is at a venue without a shift lead.
INSERT INTO service_notes (id, venue_id, text, severity, raised_at, closed_at, assigned_to) VALUES
  (1, 1, 'Fridge 2 reads 9 °C', 'high', datetime('now', '-5 days'), NULL, NULL),
  (2, 1, 'Wobbly step at the side door', 'medium', datetime('now', '-5 days'), NULL, 1),
  (3, 1, 'Extractor is loud again', 'low', datetime('now', '-5 days'), datetime('now', '-4 days'), NULL),
  (4, 1, 'Allergen folder is out of date', 'high', datetime('now', '-2 hours'), NULL, NULL),
  (5, 2, 'Guest waited 50 minutes for mains', 'medium', datetime('now', '-4 days'), NULL, NULL);
-- Task 1 has no reading. 2 has one, 3 needs none, 4 is older than anybody asks about, 5 is open.
INSERT INTO tasks VALUES
  (1, 'Evening fridge temperatures', 1, 3, 1, datetime('now', '-6 hours'), NULL, 'complete'),
  (2, 'Evening fridge temperatures', 2, 4, 1, datetime('now', '-6 hours'), 'photo-2.jpg', 'complete'),
  (3, 'Till count', 1, 3, 0, datetime('now', '-6 hours'), NULL, 'complete'),
  (4, 'Fire door check', 1, 3, 1, datetime('now', '-9 days'), NULL, 'complete'),
  (5, 'Cellar lock-up', 1, 3, 1, NULL, NULL, 'open');
