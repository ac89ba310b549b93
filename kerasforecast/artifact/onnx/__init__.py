"""A model as ONNX, written from its file's own closed vocabulary and read without Keras or any backend.

tensors       values of an ONNX graph, and the nodes that make one of others
operations    one small function for each operation of Keras that a saved network may name
layers        one for each layer; recurrent has those that loop over time
graph         a saved network's `config.json` and arrays, node by node
writer        the file, with the manifest in its metadata
reader        a stranger's file, checked before anything runs it

The extra `onnx` is needed: the package of that name to write, onnxruntime to run.
"""
