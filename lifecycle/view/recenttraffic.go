package view

import "github.com/trimtab/trimtab"

// RecentTraffic is what endpoints answered in the last minutes, as this server
// counted it. Now is when it was read.
type RecentTraffic struct {
	Now       trimtab.Time      `json:"now"`
	Endpoints []EndpointTraffic `json:"endpoints"`
}

// EndpointTraffic is the recent traffic of one endpoint. Minute is the last whole
// minute or so; Start and Step are those of the series, whose values follow each
// other without a gap, the oldest first. Of all endpoints only Spark is told, of one
// endpoint its versions.
type EndpointTraffic struct {
	Endpoint string           `json:"endpoint"`
	Minute   TrafficSummary   `json:"minute"`
	Start    trimtab.Time     `json:"start"`
	Step     int64            `json:"step"`            // ms
	Spark    []Figure         `json:"spark,omitempty"` // requests a second
	All      *TrafficSeries   `json:"all,omitempty"`
	Versions []VersionTraffic `json:"versions,omitempty"`
}

// TrafficSummary sums up a span. Times are in milliseconds, null without a request
// that was answered. Rate counts all requests, Share is the share of those that failed.
type TrafficSummary struct {
	Requests int64  `json:"requests"`
	Rate     Figure `json:"rate"` // a second
	Failed   int64  `json:"failed"`
	Invalid  int64  `json:"invalid"`
	Refused  int64  `json:"refused"`
	P50      Figure `json:"p50"`
	P99      Figure `json:"p99"`
}

// VersionTraffic is the recent traffic of one version.
type VersionTraffic struct {
	Version trimtab.Version `json:"version"`
	Minute  TrafficSummary  `json:"minute"`
	Series  TrafficSeries   `json:"series"`
}

// TrafficSeries are values by step: requests and rows a second, the share of requests
// that failed, those that were wrong by themselves or came at the wrong time, and
// times in milliseconds; null where there was nothing to measure.
type TrafficSeries struct {
	Rate    []Figure `json:"rate"`
	Rows    []Figure `json:"rows"`
	Failed  []Figure `json:"failed"`
	Refused []Figure `json:"refused"`
	P50     []Figure `json:"p50"`
	P99     []Figure `json:"p99"`
}
