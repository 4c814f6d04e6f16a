package filter

// Prefixes of attributes and open keys. MLflow takes some of these spellings in
// one search and not in the other; here every search takes them all.
var (
	attributePrefixes = map[string]Entity{"attribute": Attribute, "attributes": Attribute, "attr": Attribute}
	tagPrefixes       = map[string]Entity{"tag": Tag, "tags": Tag}
	metricPrefixes    = map[string]Entity{"metric": Metric, "metrics": Metric}
	paramPrefixes     = map[string]Entity{"param": Param, "params": Param, "parameter": Param, "parameters": Param}
)

func prefixes(sets ...map[string]Entity) map[string]Entity {
	all := map[string]Entity{}
	for _, set := range sets {
		for prefix, e := range set {
			all[prefix] = e
		}
	}
	return all
}

func ascending(key string) Order  { return Order{Entity: Attribute, Key: key} }
func descending(key string) Order { return Order{Entity: Attribute, Key: key, Descending: true} }

// Runs searches runs. The attribute run_name is the tag mlflow.runName;
// Dataset context is the tag mlflow.data.context of the input. Ids are compared
// byte for byte, so that an upper-case id in a list matches nothing.
var Runs = &Dialect{
	name: "runs", noun: "runs",
	prefixes: prefixes(attributePrefixes, tagPrefixes, metricPrefixes, paramPrefixes,
		map[string]Entity{"run": Attribute, "dataset": Dataset, "datasets": Dataset}),
	attributes: []Column{
		{Name: "run_id"},
		{Name: "run_name", aliases: []string{"run name", "Run name", "Run Name"}},
		{Name: "status"},
		{Name: "artifact_uri"},
		{Name: "user_id"},
		{Name: "start_time", Kind: KindNumber, aliases: []string{"created", "Created"}},
		{Name: "end_time", Kind: KindNumber},
	},
	elsewhere: map[string]string{
		"experiment_id":   "name the experiments in the request's experiment_ids",
		"lifecycle_stage": "choose the stage with the request's run_view_type",
		"source_name":     "write tags.mlflow.source.name",
		"user":            "write user_id or tags.mlflow.user",
		"duration":        "order by start_time or end_time",
	},
	orderable: []Entity{Metric, Param, Tag},
	order:     []Order{descending("start_time"), ascending("run_id")},
	tieBreak:  []Order{descending("start_time"), ascending("run_id")},
}

// Experiments searches experiments.
var Experiments = &Dialect{
	name: "experiments", noun: "experiments",
	prefixes: prefixes(attributePrefixes, tagPrefixes),
	attributes: []Column{
		{Name: "name"},
		{Name: "experiment_id", noFilter: true},
		{Name: "creation_time", Kind: KindNumber},
		{Name: "last_update_time", Kind: KindNumber},
	},
	elsewhere: map[string]string{
		"lifecycle_stage":   "choose the stage with the request's view_type",
		"experiment_id":     "get the experiment by its id",
		"artifact_location": "search by name or tag",
	},
	order:    []Order{descending("creation_time"), ascending("experiment_id")},
	tieBreak: []Order{descending("experiment_id")},
}

// RegisteredModels searches registered models. Beyond MLflow's name and tags it
// has the description, the times and the aliases, each of which is one value of
// the attribute alias.
var RegisteredModels = &Dialect{
	name: "registered_models", noun: "registered models",
	prefixes: prefixes(attributePrefixes, tagPrefixes),
	attributes: []Column{
		{Name: "name"},
		{Name: "description", noOrder: true},
		{Name: "alias", Several: true, noOrder: true, filterAliases: []string{"aliases"}},
		{Name: "creation_timestamp", Kind: KindNumber},
		{Name: "last_updated_timestamp", Kind: KindNumber, aliases: []string{"timestamp"}},
	},
	order:    []Order{ascending("name")},
	tieBreak: []Order{ascending("name")},
}

// ModelVersions searches model versions. Beyond MLflow's keys it has the
// aliases that point to a version, its stage, description and times.
var ModelVersions = &Dialect{
	name: "model_versions", noun: "model versions",
	prefixes: prefixes(attributePrefixes, tagPrefixes),
	attributes: []Column{
		{Name: "name"},
		{Name: "version_number", Kind: KindNumber, quotedNumber: true, filterAliases: []string{"version"}},
		{Name: "run_id", noOrder: true},
		{Name: "source_path", noOrder: true, filterAliases: []string{"source"}},
		{Name: "alias", Several: true, noOrder: true, filterAliases: []string{"aliases"}},
		{Name: "current_stage", noOrder: true},
		{Name: "description", noOrder: true},
		{Name: "creation_timestamp", Kind: KindNumber},
		{Name: "last_updated_timestamp", Kind: KindNumber},
	},
	elsewhere: map[string]string{"version": "order by version_number"},
	order:     []Order{descending("last_updated_timestamp"), ascending("name"), descending("version_number")},
	tieBreak:  []Order{ascending("name"), descending("version_number")},
}

// LoggedModels searches logged models. Its values may stand unquoted, and
// therefore its comparisons need an AND between them.
var LoggedModels = &Dialect{
	name: "logged_models", noun: "logged models",
	prefixes: prefixes(attributePrefixes, tagPrefixes, metricPrefixes, paramPrefixes),
	attributes: []Column{
		{Name: "name"},
		{Name: "model_id"},
		{Name: "model_type"},
		{Name: "status"},
		{Name: "source_run_id"},
		{Name: "experiment_id"},
		{Name: "creation_timestamp", Kind: KindNumber, aliases: []string{"creation_time"}},
		{Name: "last_updated_timestamp", Kind: KindNumber, aliases: []string{"last_updated_time"}},
	},
	bareValues: true,
	strictAnd:  true,
	orderable:  []Entity{Metric},
	order:      []Order{descending("creation_timestamp"), ascending("model_id")},
	tieBreak:   []Order{descending("creation_timestamp"), ascending("model_id")},
}

// Dialects returns all dialects. The caller owns the slice.
func Dialects() []*Dialect {
	return []*Dialect{Runs, Experiments, RegisteredModels, ModelVersions, LoggedModels}
}
