ALTER TABLE structure DROP COLUMN sessions;
DROP TABLE fund_area;
COMMENT ON COLUMN seed_layer.name IS 'catalogue, communes, town-halls or demonstration.';
