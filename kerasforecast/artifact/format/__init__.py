"""What a `.keras` file consists of, read without Keras, without h5py, and without trust: zip, JSON and HDF5.

Every reader here is a few lines of Python over one block of bytes: it takes the one form that we write, visits each
byte at most once, and refuses the rest. The libraries that read these formats in full generality never see a file
before these readers have passed it.
"""
