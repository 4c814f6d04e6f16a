package view

import "github.com/trimtab/trimtab"

// About is a server as the page of settings shows it. Nothing in it is secret:
// passwords are left out of settings.
type About struct {
	Version   string        `json:"version"`
	Go        string        `json:"go"`
	Platform  string        `json:"platform"` // linux/amd64
	Started   trimtab.Time  `json:"started"`
	Memory    int64         `json:"memory"` // bytes that the program holds from the system
	Database  string        `json:"database"`
	Journal   int64         `json:"journal"` // index of the newest entry
	Settings  []Setting     `json:"settings"`
	Stores    []StoreHealth `json:"stores"`
	Consumers []ConsumerLag `json:"consumers"`
	Parked    []Parked      `json:"parked"`
	Free      int64         `json:"free,omitempty"` // bytes left on the disk of the data, 0 where that is not known
}

// Setting is one setting of the server and its value.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Help  string `json:"help"`
}

// StoreHealth is one place where data lie. With AtLeast, counting was cut short.
type StoreHealth struct {
	Name    string `json:"name"`
	Holds   string `json:"holds"`
	Where   string `json:"where"`
	Files   int64  `json:"files,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"`
	AtLeast bool   `json:"atLeast,omitempty"`
	Problem string `json:"problem,omitempty"` // why it does not answer
}

// ConsumerLag is how far a consumer of the journal has come; Behind counts entries.
type ConsumerLag struct {
	Name   string `json:"name"`
	Cursor int64  `json:"cursor"`
	Behind int64  `json:"behind"`
}
