package overview

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
)

// Base is the path below which the native API lies.
const Base = "/api/trimtab/v1alpha1/{project}"

// Routes are the routes of the service: the answer, and the stream of notices.
func (s *Service) Routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Pattern: Base + "/overview", Auth: route.Reader, Via: "api", Handle: s.serveOverview},
		{Method: http.MethodGet, Pattern: Base + "/overview/events", Auth: route.Reader, Via: "api", Handle: s.serveEvents},
	}
}

func (s *Service) serveOverview(w http.ResponseWriter, r *http.Request) error {
	r, err := inProject(r)
	if err != nil {
		return err
	}
	o, err := s.Overview(r.Context())
	if err != nil {
		return err
	}
	body, err := json.Marshal(o)
	if err != nil {
		return &trimtab.Error{Kind: trimtab.Internal, Subject: "overview", Err: err}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, err = w.Write(append(body, '\n'))
	return err
}

// inProject puts the project of the path into the call. A header that names
// another project, and credentials that are bound to one, are not overruled.
func inProject(r *http.Request) (*http.Request, error) {
	project := trimtab.Workspace(r.PathValue("project"))
	if err := project.Validate(); err != nil {
		return r, err
	}
	call := trimtab.CallOf(r.Context())
	if named := strings.TrimSpace(r.Header.Get(route.WorkspaceHeader)); named != "" && named != string(project) {
		return r, trimtab.Errorf(trimtab.Invalid, "project "+string(project), "the path names project %s and the header %s names %s; name one project", project, route.WorkspaceHeader, named)
	}
	if call.Actor.Attempt != "" && call.Workspace != project {
		return r, trimtab.Errorf(trimtab.Denied, "project "+string(project), "the attempt token belongs to project %s and opens nothing in project %s", call.Workspace, project)
	}
	call.Workspace = project
	return r.WithContext(trimtab.WithCall(r.Context(), call)), nil
}
