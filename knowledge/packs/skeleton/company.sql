-- A made-up company, made anew for every trial. All days are counted from today. Plant what must be found, and what only looks like it.
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, value REAL NOT NULL, due_on TEXT NOT NULL, status TEXT NOT NULL);
INSERT INTO orders VALUES
  (1, 'Marlow & Sons', 420.0, date('now', '-3 days'), 'open'),
  (2, 'Pell & Co', 90.0, date('now', '+3 days'), 'open'),
  (3, 'Sable Arts', 150.0, date('now', '-3 days'), 'delivered');
