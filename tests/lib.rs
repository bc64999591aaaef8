//! Nothing: the tests are in the folders beside this file, one for each way into the service.
