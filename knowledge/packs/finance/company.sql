-- Invoices, contracts and customers, made anew for every trial. All days are counted from today.
CREATE TABLE suppliers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL, amount REAL NOT NULL, placed_on TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, number TEXT NOT NULL, supplier_id INTEGER NOT NULL, order_id INTEGER, amount REAL NOT NULL,
  received_on TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE renewals (id INTEGER PRIMARY KEY, supplier_id INTEGER NOT NULL, service TEXT NOT NULL, yearly_cost REAL NOT NULL, new_cost REAL NOT NULL,
  renews_on TEXT NOT NULL, notice_by TEXT NOT NULL, uses_last_90_days INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, payment_days INTEGER NOT NULL, changed_on TEXT NOT NULL, open_amount REAL NOT NULL, status TEXT NOT NULL);
CREATE TABLE accounts_copy (customer_id INTEGER PRIMARY KEY, payment_days INTEGER NOT NULL, copied_at TEXT NOT NULL);
-- The accounting system is another system; here its tables lie in the same file.
CREATE TABLE account_records (customer_id INTEGER PRIMARY KEY, customer TEXT NOT NULL, payment_days INTEGER NOT NULL, changed_by TEXT NOT NULL);
INSERT INTO suppliers VALUES (1, 'Cellar Direct'), (2, 'Rivet Repairs'), (3, 'Bluebell Linen');
-- A year of ordinary orders with their invoices.
WITH RECURSIVE months(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM months WHERE n < 24)
INSERT INTO orders SELECT n, n % 3 + 1, 100.0 + n, date('now', -(n * 14 + 20) || ' days'), 'delivered' FROM months;
INSERT INTO invoices SELECT id, 'INV-' || id, supplier_id, id, amount, date(placed_on, '+3 days'), 'paid' FROM orders;
-- Invoice 101 fits order 201, which was delivered. 102 fits nothing. 103 names its order. 104 is held. 105 is a month old. 106 fits order 202, which has not come.
INSERT INTO orders VALUES (201, 1, 480.0, date('now', '-6 days'), 'delivered'), (202, 3, 75.5, date('now', '-6 days'), 'placed'), (203, 2, 300.0, date('now', '-6 days'), 'delivered');
INSERT INTO invoices VALUES
  (101, 'CD-101', 1, NULL, 480.0, date('now', '-1 day'), 'received'), (102, 'RR-102', 2, NULL, 912.0, date('now', '-1 day'), 'received'),
  (103, 'RR-103', 2, 203, 300.0, date('now', '-1 day'), 'received'), (104, 'RR-104', 2, NULL, 77.0, date('now', '-1 day'), 'held'),
  (105, 'BL-105', 3, NULL, 33.0, date('now', '-30 days'), 'received'), (106, 'BL-106', 3, NULL, 75.5, date('now', '-1 day'), 'received');
-- Contract 1 is dearer and hardly used. 2 is dearer and in use. 3 costs the same. 4 has time. 5 was ended.
INSERT INTO renewals VALUES
  (1, 2, 'Coffee machines', 1200, 1500, date('now', '+34 days'), date('now', '+4 days'), 3, 'active'),
  (2, 3, 'Linen service', 2400, 2700, date('now', '+34 days'), date('now', '+4 days'), 88, 'active'),
  (3, 3, 'Waste collection', 900, 900, date('now', '+34 days'), date('now', '+4 days'), 2, 'active'),
  (4, 2, 'Pest control', 700, 900, date('now', '+120 days'), date('now', '+90 days'), 2, 'active'),
  (5, 2, 'Music licence', 300, 400, date('now', '+34 days'), date('now', '+4 days'), 0, 'notice given');
-- Customer 1 has 30 days by contract and 14 in the accounts. 2 agrees. 3 was corrected since the copy. 4 left. 5 agreed on it after the copy was made.
INSERT INTO customers VALUES
  (1, 'Marlow & Sons', 30, date('now', '-20 days'), 1840.0, 'active'), (2, 'Pell & Co', 14, date('now', '-90 days'), 320.0, 'active'),
  (3, 'Sable Arts', 60, date('now', '-20 days'), 700.0, 'active'), (4, 'Linden Schools', 30, date('now', '-20 days'), 0, 'left'),
  (5, 'Kestrel Events', 45, date('now', '+1 day'), 250.0, 'active');
INSERT INTO accounts_copy SELECT id, 14, datetime('now', '-10 hours') FROM customers;
INSERT INTO account_records SELECT id, name, CASE id WHEN 3 THEN 60 ELSE 14 END, 'Uma Frost' FROM customers;
