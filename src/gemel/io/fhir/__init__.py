"""HL7 FHIR R4 resources, out and in: plain JSON objects, each checked against R4's own definitions before it leaves."""
