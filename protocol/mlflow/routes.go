package mlflow

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
)

// MaxArtifact bounds one uploaded artifact: 50 GiB.
const MaxArtifact = 50 << 30

// maxUIUpload bounds an upload of MLflow's pages: 10 MiB.
const maxUIUpload = 10 << 20

// bodies are the limits of requests that may be larger than others: the profile
// of one data set alone may have 16 MiB.
var bodies = map[string]int64{"/mlflow/runs/log-inputs": 32 << 20}

// endpoint is a line of MLflow's table: a path that is mounted below
// /api/N.0 and below /ajax-api/N.0.
type endpoint struct {
	method, path string
	major        int
	auth         route.AuthClass
	handle       func(w http.ResponseWriter, r *http.Request) error
}

// Routes returns the protocol's part of the route table.
func Routes(cfg Config) []route.Route {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{cfg}
	var routes []route.Route
	for _, e := range s.endpoints() {
		for _, root := range []string{"/api/", "/ajax-api/"} {
			routes = append(routes, route.Route{Method: e.method, Pattern: root + strconv.Itoa(e.major) + ".0" + e.path, Auth: e.auth, MaxBody: bodies[e.path], Handle: e.handle})
		}
	}
	routes = append(routes, s.artifactRoutes()...)
	routes = append(routes,
		route.Route{Method: "GET", Pattern: "/version", Auth: route.Public, Handle: version},
		route.Route{Method: "GET", Pattern: "/health", Auth: route.Public, Handle: health},
		route.Route{Method: "GET", Pattern: "/get-artifact", Auth: route.Reader, Handle: s.getArtifact},
		route.Route{Method: "GET", Pattern: "/model-versions/get-artifact", Auth: route.Reader, Handle: s.getVersionArtifact},
		route.Route{Method: "GET", Pattern: "/ajax-api/2.0/mlflow/metrics/get-history-bulk", Auth: route.Reader, Handle: s.historyBulk},
		route.Route{Method: "POST", Pattern: "/ajax-api/2.0/mlflow/upload-artifact", Auth: route.Attempt, MaxBody: maxUIUpload, Handle: s.uploadArtifact},
		route.Route{Method: "GET", Pattern: "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files", Auth: route.Reader, Handle: s.getLoggedModelArtifact},
	)
	for _, rest := range []string{
		"/api/2.0/mlflow/", "/api/3.0/mlflow/", "/ajax-api/2.0/mlflow/", "/ajax-api/3.0/mlflow/",
		"/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/", "/api/2.0/preview/mlflow/", "/ajax-api/2.0/preview/mlflow/",
		"/ajax-api/3.0/jobs/", "/graphql", "/v1/traces",
	} {
		routes = append(routes, route.Route{Pattern: rest, Auth: route.Public, Raw: true, Handle: nothingHere})
	}
	for i := range routes {
		routes[i].Fail, routes[i].Via = fail, "mlflow"
	}
	return routes
}

func (s *server) endpoints() []endpoint {
	const (
		read  = route.Reader
		log   = route.Attempt // also for pipeline steps
		write = route.Writer
	)
	return []endpoint{
		{"GET", "/mlflow/server-info", 3, route.Public, serverInfo},

		{"POST", "/mlflow/experiments/create", 2, log, s.createExperiment},
		{"GET", "/mlflow/experiments/get", 2, read, s.getExperiment},
		{"GET", "/mlflow/experiments/get-by-name", 2, read, s.getExperimentByName},
		{"POST", "/mlflow/experiments/search", 2, read, s.searchExperiments},
		{"GET", "/mlflow/experiments/search", 2, read, s.searchExperiments},
		{"POST", "/mlflow/experiments/update", 2, write, s.updateExperiment},
		{"POST", "/mlflow/experiments/delete", 2, write, s.deleteExperiment},
		{"POST", "/mlflow/experiments/restore", 2, write, s.restoreExperiment},
		{"POST", "/mlflow/experiments/set-experiment-tag", 2, log, s.setExperimentTag},
		{"POST", "/mlflow/experiments/delete-experiment-tag", 2, log, s.deleteExperimentTag},

		{"POST", "/mlflow/runs/create", 2, log, s.createRun},
		{"GET", "/mlflow/runs/get", 2, read, s.getRun},
		{"POST", "/mlflow/runs/search", 2, read, s.searchRuns},
		{"POST", "/mlflow/runs/update", 2, log, s.updateRun},
		{"POST", "/mlflow/runs/delete", 2, log, s.deleteRun},
		{"POST", "/mlflow/runs/restore", 2, log, s.restoreRun},
		{"POST", "/mlflow/runs/log-metric", 2, log, s.logMetric},
		{"POST", "/mlflow/runs/log-parameter", 2, log, s.logParam},
		{"POST", "/mlflow/runs/log-batch", 2, log, s.logBatch},
		{"POST", "/mlflow/runs/set-tag", 2, log, s.setTag},
		{"POST", "/mlflow/runs/delete-tag", 2, log, s.deleteTag},
		{"POST", "/mlflow/runs/log-inputs", 2, log, s.logInputs},
		{"POST", "/mlflow/runs/outputs", 2, log, s.logOutputs},
		{"POST", "/mlflow/runs/log-model", 2, log, s.logModel},

		{"GET", "/mlflow/metrics/get-history", 2, read, s.history},
		{"GET", "/mlflow/metrics/get-history-bulk-interval", 2, read, s.historyInterval},

		{"GET", "/mlflow/artifacts/list", 2, read, s.listArtifacts},
		{"POST", "/mlflow/artifacts/presigned-upload-url", 2, log, noPresigned("upload")},
		{"POST", "/mlflow/artifacts/presigned-download-url", 2, read, noPresigned("download")},

		{"POST", "/mlflow/logged-models", 2, log, s.createLoggedModel},
		{"POST", "/mlflow/logged-models/search", 2, read, s.searchLoggedModels},
		{"GET", "/mlflow/logged-models/{model_id}", 2, read, s.getLoggedModel},
		{"PATCH", "/mlflow/logged-models/{model_id}", 2, log, s.finalizeLoggedModel},
		{"DELETE", "/mlflow/logged-models/{model_id}", 2, log, s.deleteLoggedModel},
		{"PATCH", "/mlflow/logged-models/{model_id}/tags", 2, log, s.setLoggedModelTags},
		{"DELETE", "/mlflow/logged-models/{model_id}/tags/{tag_key}", 2, log, s.deleteLoggedModelTag},
		{"POST", "/mlflow/logged-models/{model_id}/params", 2, log, s.logLoggedModelParams},
		{"GET", "/mlflow/logged-models/{model_id}/artifacts/directories", 2, read, s.listLoggedModelArtifacts},

		{"POST", "/mlflow/registered-models/create", 2, log, s.createModel},
		{"GET", "/mlflow/registered-models/get", 2, read, s.getModel},
		{"GET", "/mlflow/registered-models/search", 2, read, s.searchModels},
		{"PATCH", "/mlflow/registered-models/update", 2, log, s.updateModel},
		{"POST", "/mlflow/registered-models/rename", 2, write, s.renameModel},
		{"DELETE", "/mlflow/registered-models/delete", 2, write, s.deleteModel},
		{"POST", "/mlflow/registered-models/set-tag", 2, log, s.setModelTag},
		{"DELETE", "/mlflow/registered-models/delete-tag", 2, log, s.deleteModelTag},
		{"POST", "/mlflow/registered-models/get-latest-versions", 2, read, s.latestVersions},
		{"GET", "/mlflow/registered-models/get-latest-versions", 2, read, s.latestVersions},
		{"POST", "/mlflow/registered-models/alias", 2, log, s.setAlias},
		{"DELETE", "/mlflow/registered-models/alias", 2, log, s.dropAlias},
		{"GET", "/mlflow/registered-models/alias", 2, read, s.getByAlias},

		{"POST", "/mlflow/model-versions/create", 2, log, s.createVersion},
		{"GET", "/mlflow/model-versions/get", 2, read, s.getVersion},
		{"GET", "/mlflow/model-versions/search", 2, read, s.searchVersions},
		{"GET", "/mlflow/model-versions/get-download-uri", 2, read, s.downloadURI},
		{"PATCH", "/mlflow/model-versions/update", 2, log, s.updateVersion},
		{"DELETE", "/mlflow/model-versions/delete", 2, write, s.deleteVersion},
		{"POST", "/mlflow/model-versions/transition-stage", 2, log, s.transition},
		{"POST", "/mlflow/model-versions/set-tag", 2, log, s.setVersionTag},
		{"DELETE", "/mlflow/model-versions/delete-tag", 2, log, s.deleteVersionTag},
	}
}

// artifactRoutes move bytes, so their bodies are streamed.
func (s *server) artifactRoutes() []route.Route {
	var routes []route.Route
	for _, root := range []string{"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"} {
		routes = append(routes,
			route.Route{Method: "GET", Pattern: root + "/artifacts", Auth: route.Reader, Handle: s.proxyList},
			route.Route{Method: "GET", Pattern: root + "/artifacts/{path...}", Auth: route.Reader, Handle: s.proxyGet},
			route.Route{Method: "PUT", Pattern: root + "/artifacts/{path...}", Auth: route.Attempt, MaxBody: MaxArtifact, Raw: true, Handle: s.proxyPut},
			route.Route{Method: "DELETE", Pattern: root + "/artifacts/{path...}", Auth: route.Attempt, Handle: s.proxyDelete},
		)
		for _, verb := range []string{"create", "complete", "abort"} {
			routes = append(routes, route.Route{Method: "POST", Pattern: root + "/mpu/" + verb + "/{path...}", Auth: route.Attempt, Handle: noMultipart})
		}
		routes = append(routes, route.Route{Method: "GET", Pattern: root + "/presigned/{path...}", Auth: route.Reader, Handle: noPresigned("download")})
	}
	return routes
}
