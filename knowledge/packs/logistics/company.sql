-- Shipments, the carrier and the warehouse, made anew for every trial. All days are counted from today.
CREATE TABLE shipments (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, value REAL NOT NULL, shipped_on TEXT NOT NULL, carrier_status TEXT NOT NULL,
  warehouse_status TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE claims (id INTEGER PRIMARY KEY, shipment_id INTEGER NOT NULL, value REAL NOT NULL, note TEXT);
-- The carrier and the warehouse are other systems; here their tables lie in the same file.
CREATE TABLE consignments (shipment_id INTEGER PRIMARY KEY, number TEXT NOT NULL, is_signed_for INTEGER NOT NULL, hold_until TEXT NOT NULL);
CREATE TABLE holds (id INTEGER PRIMARY KEY, shipment_id INTEGER NOT NULL, answer TEXT NOT NULL, held_until TEXT, reference TEXT NOT NULL, note TEXT);
CREATE TRIGGER signed_for BEFORE INSERT ON holds
WHEN (SELECT is_signed_for FROM consignments c WHERE c.shipment_id = new.shipment_id)
BEGIN SELECT RAISE(ABORT, 'it was signed for, so it cannot be held'); END;
CREATE TABLE deliveries (shipment_id INTEGER PRIMARY KEY, record TEXT NOT NULL, expected_on TEXT);
-- A quarter of ordinary shipments.
WITH RECURSIVE ordinary(n) AS (SELECT 101 UNION ALL SELECT n + 1 FROM ordinary WHERE n < 160)
INSERT INTO shipments SELECT n, 'Customer ' || n % 9, 150.0 + n, date('now', -(n - 98) || ' days'), 'delivered', 'received', 'open' FROM ordinary;
-- 1 disagrees. 2 is on its way. 3 is held already. 4 disagrees for a month. 5 was signed for, which the carrier says when it is asked.
INSERT INTO shipments VALUES
  (1, 'Northgate Caterers', 640.0, date('now', '-3 days'), 'delivered', 'missing', 'open'),
  (2, 'Pell & Co', 210.0, date('now', '-2 days'), 'in transit', 'expected', 'open'),
  (3, 'Sable Arts', 330.0, date('now', '-3 days'), 'delivered', 'missing', 'on hold'),
  (4, 'Linden Schools', 90.0, date('now', '-31 days'), 'delivered', 'missing', 'open'),
  (5, 'Kestrel Events', 480.0, date('now', '-3 days'), 'delivered', '4 of 8 received', 'open');
INSERT INTO consignments SELECT id, 'C' || id, id = 5, date(shipped_on, '+14 days') FROM shipments;
INSERT INTO deliveries SELECT id, warehouse_status, NULL FROM shipments;
