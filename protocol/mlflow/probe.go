package mlflow

import (
	"io"
	"net/http"

	"github.com/trimtab/trimtab"
)

// Version is the version of MLflow whose behaviour this server matches. Clients
// ask for it and choose what they dare to call.
const Version = "3.17.2"

func version(w http.ResponseWriter, _ *http.Request) error { return plain(w, Version) }

func health(w http.ResponseWriter, _ *http.Request) error { return plain(w, "OK") }

func plain(w http.ResponseWriter, s string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := io.WriteString(w, s)
	return err
}

// serverInfo says what the server can do. Workspaces are on because the header
// that names one is honoured on every route.
func serverInfo(w http.ResponseWriter, r *http.Request) error {
	return answer(w, r, func(d *doc) {
		d.str("store_type", "SqlStore")
		d.boolean("workspaces_enabled", true)
		d.boolean("trace_archival_enabled", false)
		d.boolean("multipart_uploads_enabled", false)
		d.boolean("multipart_downloads_enabled", false)
		d.boolean("presigned_upload_run_id_supported", false)
		d.boolean("presigned_upload_model_id_supported", false)
		d.object("features_enabled")
		d.boolean("gateway", false)
		d.end()
	})
}

// noMultipart makes clients fall back to one plain upload: they match this
// sentence.
func noMultipart(http.ResponseWriter, *http.Request) error {
	return trimtab.Errorf(trimtab.Unsupported, "artifact", "Multipart upload is not supported for the current artifact repository")
}

func noPresigned(what string) func(http.ResponseWriter, *http.Request) error {
	return func(http.ResponseWriter, *http.Request) error {
		return invalid("artifact", "Presigned %s is not supported for proxied artifact storage (artifact URI scheme: mlflow-artifacts). This endpoint requires a direct cloud storage artifact URI.", what)
	}
}
