package sql

// One handle per noun, so that methods keep short names: db.Runs.Get. All are
// safe for concurrent use and take the workspace from the context's call.
type (
	// Experiments keeps experiments and their tags.
	Experiments struct{ db *DB }
	// Runs keeps runs with params, tags, metrics, inputs and outputs.
	Runs struct{ db *DB }
	// LoggedModels keeps the models that runs produced.
	LoggedModels struct{ db *DB }
	// Artifacts keeps artifact trees: rows from path to digest.
	Artifacts struct{ db *DB }
	// Models keeps registered models with aliases and tags.
	Models struct{ db *DB }
	// Versions keeps the versions of registered models.
	Versions struct{ db *DB }
	// Resources keeps what was declared.
	Resources struct{ db *DB }
	// Pipelines keeps pipeline runs, steps and attempts.
	Pipelines struct{ db *DB }
	// Snapshots keeps what data sets were taken as of when.
	Snapshots struct{ db *DB }
	// Endpoints keeps watermarks, replay leases and settlements.
	Endpoints struct{ db *DB }
	// Replays keeps replays and how far they have come.
	Replays struct{ db *DB }
	// Windows keeps what monitors found.
	Windows struct{ db *DB }
	// Segments keeps the seals of traffic.
	Segments struct{ db *DB }
	// Journal is the audit log and the outbox.
	Journal struct{ db *DB }
)
