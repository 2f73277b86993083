BEGIN TRANSACTION;
CREATE TABLE decision_subjects (
	subject VARCHAR(80) NOT NULL, 
	entry_id INTEGER NOT NULL, 
	PRIMARY KEY (subject, entry_id), 
	FOREIGN KEY(entry_id) REFERENCES decisions (entry_id)
);
INSERT INTO "decision_subjects" VALUES('aa',1);
CREATE TABLE decisions (
	entry_id INTEGER NOT NULL, 
	time BIGINT NOT NULL, 
	record TEXT NOT NULL, 
	report TEXT, 
	PRIMARY KEY (entry_id), 
	FOREIGN KEY(entry_id) REFERENCES journal_entries (id)
);
INSERT INTO "decisions" VALUES(1,7,'grounds of push:1',NULL);
CREATE TABLE journal_attempts (
	entry_id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	tx_hash VARCHAR(66) NOT NULL, 
	raw BLOB NOT NULL, 
	max_fee VARCHAR(80) NOT NULL, 
	tip VARCHAR(80), 
	kind VARCHAR(16) NOT NULL, 
	block BIGINT NOT NULL, 
	PRIMARY KEY (entry_id, ordinal), 
	FOREIGN KEY(entry_id) REFERENCES journal_entries (id)
);
INSERT INTO "journal_attempts" VALUES(1,0,'0x0000000000000000000000000000000000000000000000000000000000000003',X'0203030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303','1180591620717411303427',NULL,'nothing',5000003);
CREATE TABLE journal_entries (
	id INTEGER NOT NULL, 
	namespace VARCHAR(128) NOT NULL, 
	nonce BIGINT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	ending VARCHAR(16), 
	idempotency_key VARCHAR(256) NOT NULL, 
	"to" VARCHAR(42) NOT NULL, 
	data BLOB NOT NULL, 
	value VARCHAR(80) NOT NULL, 
	gas_limit BIGINT NOT NULL, 
	lane INTEGER NOT NULL, 
	valid_until BIGINT NOT NULL, 
	purpose TEXT NOT NULL, 
	spend_limit VARCHAR(80), 
	decided_at BIGINT, 
	subjects TEXT NOT NULL, 
	mined_as VARCHAR(66), 
	mined_in BIGINT, 
	mined_in_hash VARCHAR(66), 
	PRIMARY KEY (id)
);
INSERT INTO "journal_entries" VALUES(1,'feeder:0xabc',3,'signed',NULL,'push:1','0x1111111111111111111111111111111111111111',X'00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF00FF','1000000000000000000000000000000',300000,0,5000025,'push 1 price',NULL,NULL,'aa',NULL,NULL,NULL);
CREATE TABLE leases (
	name VARCHAR(64) NOT NULL, 
	account VARCHAR(42) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	epoch BIGINT NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	pid BIGINT NOT NULL, 
	mark VARCHAR(160) NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "leases" VALUES('feeder','0xabc','0eba531898461f9ec38a8543e4b156ef',1,1795658948985,'vm',2105,'');
CREATE TABLE outbox (
	ordinal INTEGER NOT NULL, 
	id VARCHAR(200) NOT NULL, 
	severity VARCHAR(16) NOT NULL, 
	title TEXT NOT NULL, 
	body TEXT NOT NULL, 
	block BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	settled_at BIGINT, 
	PRIMARY KEY (ordinal), 
	UNIQUE (id)
);
CREATE TABLE outbox_deliveries (
	message_id VARCHAR(200) NOT NULL, 
	channel VARCHAR(80) NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at BIGINT NOT NULL, 
	closed_at BIGINT, 
	PRIMARY KEY (message_id, channel)
);
CREATE TABLE payments (
	namespace VARCHAR(128) NOT NULL, 
	nonce BIGINT NOT NULL, 
	tx_hash VARCHAR(66), 
	lane INTEGER NOT NULL, 
	fee VARCHAR(80) NOT NULL, 
	time BIGINT NOT NULL, 
	had_effect BOOLEAN NOT NULL, 
	PRIMARY KEY (namespace, nonce)
);
CREATE TABLE quotes (
	block BIGINT NOT NULL, 
	hash VARCHAR(66) NOT NULL, 
	time BIGINT NOT NULL, 
	prices TEXT NOT NULL, 
	PRIMARY KEY (block)
);
CREATE TABLE spend_hours (
	namespace VARCHAR(128) NOT NULL, 
	lane INTEGER NOT NULL, 
	hour BIGINT NOT NULL, 
	with_effect VARCHAR(80) NOT NULL, 
	without_effect VARCHAR(80) NOT NULL, 
	PRIMARY KEY (namespace, lane, hour)
);
CREATE TABLE spend_stops (
	namespace VARCHAR(128) NOT NULL, 
	lane INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	PRIMARY KEY (namespace, lane)
);
CREATE TABLE stamp (
	only INTEGER NOT NULL CHECK (only = 1), 
	schema INTEGER NOT NULL, 
	chain_id BIGINT NOT NULL, 
	genesis VARCHAR(66) NOT NULL, 
	exchange VARCHAR(42) NOT NULL, 
	PRIMARY KEY (only)
);
INSERT INTO "stamp" VALUES(1,5,964,'0x1111111111111111111111111111111111111111111111111111111111111111','0x00000000000000000000000000000000000000AA');
CREATE TABLE warning_digest (
	ordinal INTEGER NOT NULL, 
	alert_id VARCHAR(200) NOT NULL, 
	line TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	PRIMARY KEY (ordinal), 
	UNIQUE (alert_id)
);
CREATE TABLE warning_progress (
	only INTEGER NOT NULL CHECK (only = 1), 
	number BIGINT NOT NULL, 
	hash VARCHAR(66) NOT NULL, 
	parent_hash VARCHAR(66) NOT NULL, 
	time BIGINT NOT NULL, 
	PRIMARY KEY (only)
);
CREATE TABLE warning_tiers (
	position_id VARCHAR(34) NOT NULL, 
	sequence BIGINT NOT NULL, 
	tier_bps INTEGER NOT NULL, 
	stage VARCHAR(16) NOT NULL, 
	episode INTEGER NOT NULL, 
	below_since BIGINT, 
	is_found BOOLEAN NOT NULL, 
	PRIMARY KEY (position_id, sequence, tier_bps)
);
CREATE TABLE warning_unknowns (
	netuid INTEGER NOT NULL, 
	since BIGINT NOT NULL, 
	is_alerted BOOLEAN NOT NULL, 
	PRIMARY KEY (netuid)
);
CREATE INDEX outbox_open ON outbox (settled_at, ordinal);
CREATE UNIQUE INDEX journal_one_holder_a_nonce ON journal_entries (namespace, nonce) WHERE state <> 'released';
CREATE UNIQUE INDEX journal_one_flight_a_key ON journal_entries (namespace, idempotency_key) WHERE state <> 'released' AND ending IS NULL;
CREATE INDEX ix_quotes_time ON quotes (time);
CREATE INDEX ix_payments_time ON payments (time);
CREATE INDEX leases_of_an_account ON leases (account);
CREATE INDEX journal_attempts_by_hash ON journal_attempts (tx_hash);
CREATE INDEX ix_decisions_time ON decisions (time);
CREATE INDEX ix_decision_subjects_entry_id ON decision_subjects (entry_id);
COMMIT;
