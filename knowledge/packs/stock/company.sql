-- A small cellar, made anew for every trial. All days are counted from today.
CREATE TABLE suppliers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, lead_days INTEGER NOT NULL);
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL, cost REAL NOT NULL, price REAL NOT NULL,
  margin REAL NOT NULL, supplier_id INTEGER NOT NULL);
CREATE TABLE stock (product_id INTEGER PRIMARY KEY, on_hand INTEGER NOT NULL, on_order INTEGER NOT NULL, expected_use INTEGER NOT NULL,
  next_peak_on TEXT NOT NULL);
CREATE TABLE counts (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, counted INTEGER NOT NULL, counted_by TEXT NOT NULL, counted_at TEXT NOT NULL);
CREATE TABLE movements (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL, booked_at TEXT NOT NULL);
INSERT INTO suppliers VALUES (1, 'Cellar Direct', 1), (2, 'Slow Boat Wines', 6);
-- 1 runs low and can still be ordered. 2 runs low, and would come after the peak. 3 has a low margin. 4 is on order. 5 has its peak next month.
INSERT INTO products VALUES
  (1, 'Merlot Reserve', 'bottles', 8.0, 26.0, 0.69, 1), (2, 'Barolo', 'bottles', 14.0, 48.0, 0.71, 2),
  (3, 'House soda', 'bottles', 1.0, 1.5, 0.33, 1), (4, 'Chablis', 'bottles', 9.0, 30.0, 0.7, 1), (5, 'Crémant', 'bottles', 10.0, 34.0, 0.71, 1),
  (6, 'Gin', 'bottles', 18.0, 70.0, 0.74, 1), (7, 'Rum', 'bottles', 15.0, 60.0, 0.75, 1), (8, 'Tonic', 'cases', 6.0, 20.0, 0.7, 1);
INSERT INTO stock VALUES
  (1, 6, 0, 30, date('now', '+3 days')), (2, 2, 0, 12, date('now', '+3 days')), (3, 6, 0, 90, date('now', '+3 days')),
  (4, 6, 30, 30, date('now', '+3 days')), (5, 6, 0, 40, date('now', '+30 days')),
  (6, 24, 0, 10, date('now', '+3 days')), (7, 20, 0, 10, date('now', '+3 days')), (8, 40, 0, 10, date('now', '+3 days'));
WITH RECURSIVE ordinary(n) AS (SELECT 11 UNION ALL SELECT n + 1 FROM ordinary WHERE n < 40)
INSERT INTO products SELECT n, 'Wine ' || n, 'bottles', 7.0, 24.0, 0.7, 1 FROM ordinary;
INSERT INTO stock SELECT id, 60, 0, 24, date('now', '+3 days') FROM products WHERE id >= 11;
-- Count 1 of the gin is three short. 2 fits. 3 of the rum is short, and was booked upon since. 4 was counted again (5).
INSERT INTO counts VALUES
  (1, 6, 21, 'Dina Flores', datetime('now', '-1 day')), (2, 11, 60, 'Dina Flores', datetime('now', '-1 day')),
  (3, 7, 16, 'Kit Abara', datetime('now', '-1 day')),
  (4, 8, 30, 'Kit Abara', datetime('now', '-2 days')), (5, 8, 40, 'Dina Flores', datetime('now', '-1 day'));
INSERT INTO movements (product_id, quantity, booked_at) VALUES (7, -2, datetime('now', '-2 hours')), (6, -1, datetime('now', '-4 days'));
