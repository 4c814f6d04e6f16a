// Package serving speaks MLflow's scoring protocol for one endpoint:
// /endpoints/NAME/invocations, /ping, /health and /version, exactly as a model
// served by MLflow answers, and takes labels at /endpoints/NAME/labels as JSON,
// CSV or a form file.
//
// It owns bodies, content types and error shapes. It decides nothing: what may be
// sent, what is answered and what is logged belongs to lifecycle/serve. One
// difference to MLflow is deliberate: a missing number is answered as null, where
// MLflow writes NaN, which is no JSON.
// It refuses language-model requests and any body over the endpoint's limit.
package serving
