update segment_request set anyway = true where number = 1;
