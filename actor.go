package trimtab

import "context"

// Actor is who does something: a person, a service with a token, or one of the
// program's own controllers.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id"`
	Via  string    `json:"via,omitempty"` // "mlflow", "api", "cli", "pipeline", …
	// Attempt is set for a pipeline step that acts with its attempt token.
	Attempt AttemptID `json:"attempt,omitempty"`
}

// ActorKind is one of user, service, controller.
type ActorKind string

const (
	UserActor       ActorKind = "user"
	ServiceActor    ActorKind = "service"
	ControllerActor ActorKind = "controller"
)

// Local is the actor of a request on the loopback interface without credentials.
var Local = Actor{Kind: UserActor, ID: "local"}

// Controller names one of the program's own controllers as an actor.
func Controller(name string) Actor { return Actor{Kind: ControllerActor, ID: name} }

type callKey struct{}

// Call is what every request carries along: who, in which workspace, under
// which request id. It travels in the context, set once by the route table.
type Call struct {
	Actor     Actor
	Workspace Workspace
	RequestID string
}

// WithCall returns a context that carries c.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns the call that ctx carries; without one, the local actor in the default workspace.
func CallOf(ctx context.Context) Call {
	if c, ok := ctx.Value(callKey{}).(Call); ok {
		return c
	}
	return Call{Actor: Local, Workspace: DefaultWorkspace}
}
