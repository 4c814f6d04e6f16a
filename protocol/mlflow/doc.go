// Package mlflow speaks MLflow's REST protocol, so that unmodified MLflow
// clients track runs, keep artifacts and use the model registry here. It owns
// the wire: paths and methods, what a request may look like, the sentences and
// codes of errors, the JSON of answers, and the proxy that moves artifacts. The
// behaviour is that of the version in [Version], and where it differs on
// purpose, that is said at the place.
//
// It decides nothing about runs and models: rules are in lifecycle/track and
// lifecycle/registry, and where no rule exists a handler asks the store by an
// interface declared here. It refuses tracing, prompts' own endpoints, webhooks
// and everything else it does not serve with MLflow's JSON 404, at once, so that
// clients fall back and stay quiet.
package mlflow
