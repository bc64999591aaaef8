DROP TABLE seed_layer;
DROP TABLE directory_change;
DROP TABLE directory_state;
DROP TABLE structure;
DROP TABLE commune;
DROP TABLE area;
DROP TABLE procedure;
DROP TABLE institution;
