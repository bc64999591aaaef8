ALTER TABLE institution DROP COLUMN sources;
DROP TABLE practice_note, network_member, network;
DROP FUNCTION scope_networks();
